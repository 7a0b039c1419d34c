#include "kvcache/protocol/meta_replies.h"

#include "absl/strings/str_cat.h"
#include "kvcache/layout/item.h"
#include "kvcache/protocol/base64.h"

namespace tombolo::kvcache {
namespace {

void AppendKey(const MetaSubject& subject, std::string& text) {
  text.append(" k");
  if (!subject.has_binary_key) {
    text.append(subject.key);
  } else {
    text.append(EncodeBase64(subject.key)).append(" b");
  }
}

// SUBTLE: what has expired within the command counts down from 2^32, as it does in memcached.
std::string TimeLeft(const MetaSubject& subject) {
  const uint32_t expiry_s = subject.item.expiry_s;
  return expiry_s == 0 ? "-1" : absl::StrCat(expiry_s - subject.now_s);
}

std::string Detail(char letter, const MetaSubject& subject) {
  const StoredValue& item = subject.item;
  switch (letter) {
    case 'c':
      return absl::StrCat(item.cas);
    case 'f':
      return absl::StrCat(item.flags);
    case 'h':
      return (item.marks & kMarkFetched) != 0 ? "1" : "0";
    case 's':
      return absl::StrCat(item.value_bytes);
    case 't':
      return TimeLeft(subject);
    default:
      return "0";  // l: the store does not keep the time of the last access.
  }
}

}  // namespace

bool AppendFlag(const MetaFlag& flag, std::string_view told, const MetaSubject& subject,
                std::string& text) {
  if (told.find(flag.letter) == std::string_view::npos) return true;
  if (flag.letter == 'O') {
    text.append(" ").append(flag.token);
    return flag.token.size() <= kMaxOpaqueBytes;
  }
  if (flag.letter == 'k') {
    AppendKey(subject, text);
  } else {
    text.append({' ', flag.letter}).append(Detail(flag.letter, subject));
  }
  return true;
}

bool AppendEchoes(const MetaRequest& request, std::string& text) {
  const MetaSubject subject{.key = request.Key(), .has_binary_key = request.Has('b')};
  for (const MetaFlag& flag : request.Flags()) {
    if (!AppendFlag(flag, kEchoedFlags, subject, text)) return false;
  }
  return true;
}

}  // namespace tombolo::kvcache
