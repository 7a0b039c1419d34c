#include "kvcache/protocol/meta_flags.h"

#include <bitset>

#include "kvcache/protocol/base64.h"
#include "kvcache/store/numbers.h"

namespace tombolo::kvcache {
namespace {

constexpr const char* kBadFormat = "CLIENT_ERROR bad command line format";
constexpr const char* kBadToken = "CLIENT_ERROR bad token in command line format";
constexpr const char* kDuplicateFlag = "CLIENT_ERROR duplicate flag";
constexpr const char* kInvalidFlag = "CLIENT_ERROR invalid flag";
constexpr std::string_view kLateFlags = "NTRhl";
constexpr unsigned kMaxLetter = 127;

const char* ReadKey(const Tokens& tokens, MetaFlags& flags) {
  flags.is_binary = true;
  std::optional<std::string> key = DecodeBase64(tokens[1]);
  if (!key) return "CLIENT_ERROR error decoding key";
  flags.key = *std::move(key);
  return nullptr;
}

const char* ReadExptime(const std::string& text, std::optional<int64_t>& exptime) {
  exptime = Signed32In(text.c_str());
  return exptime ? nullptr : kBadToken;
}

const char* ReadMode(const std::string& text, MetaFlags& flags) {
  if (text.size() != 1) return "CLIENT_ERROR incorrect length for M token";
  flags.mode = text[0];
  return nullptr;
}

// SUBTLE: of a bad F memcached does not say what is wrong, so the error before it, or the usual
// one, is what is answered.
const char* ReadClientFlags(const std::string& text, MetaFlags& flags, const char* error) {
  const auto number = Unsigned32In(text.c_str());
  flags.client_flags = number.value_or(0);
  if (number) return nullptr;
  return error == nullptr ? kBadFormat : error;
}

const char* ReadNumber(const std::string& text, uint64_t& number, const char* error) {
  const auto read = UnsignedIn(text.c_str());
  number = read.value_or(0);
  return read ? nullptr : error;
}

const char* ReadCas(const std::string& text, MetaFlags& flags) {
  flags.cas = UnsignedIn(text.c_str());
  return flags.cas ? nullptr : kBadToken;
}

// Flags that have no argument, or one that is only handed back.
const char* ReadPlain(char letter, MetaFlags& flags) {
  switch (letter) {
    case 'v':
      flags.wants_value = true;
      return nullptr;
    case 'u':
      flags.is_peek = true;
      return nullptr;
    case 'q':
      flags.is_quiet = true;
      return nullptr;
    case 'I':
      flags.is_stale = true;
      return nullptr;
    default:
      return std::string_view("OPLkstcflh").find(letter) != std::string_view::npos ? nullptr
                                                                                   : kInvalidFlag;
  }
}

const char* ReadFlag(const Tokens& tokens, size_t index, MetaFlags& flags, const char* error) {
  const std::string text = tokens.Text(index, 1);
  switch (const char letter = tokens[index][0]) {
    case 'b':
      return ReadKey(tokens, flags);
    case 'N':
      return ReadExptime(text, flags.vivify_exptime);
    case 'T':
      return ReadExptime(text, flags.exptime);
    case 'R':
      return ReadExptime(text, flags.recache_exptime);
    case 'F':
      return ReadClientFlags(text, flags, error);
    case 'C':
      return ReadCas(text, flags);
    case 'M':
      return ReadMode(text, flags);
    case 'J':
      return ReadNumber(text, flags.initial, "CLIENT_ERROR invalid numeric initial value");
    case 'D':
      return ReadNumber(text, flags.delta, "CLIENT_ERROR invalid numeric delta value");
    default:
      return ReadPlain(letter, flags);
  }
}

}  // namespace

const char* ParseMetaFlags(const Tokens& tokens, size_t first, MetaFlags& flags) {
  flags.key = tokens[1];
  const char* error = nullptr;
  std::bitset<kMaxLetter> seen;
  for (size_t i = first; i < tokens.Count(); ++i) {
    const auto letter = static_cast<unsigned char>(tokens[i][0]);
    if (letter >= kMaxLetter || seen[letter]) return kDuplicateFlag;
    seen[letter] = true;
    flags.counts_late |= kLateFlags.find(tokens[i][0]) != std::string_view::npos;
    const char* found = ReadFlag(tokens, i, flags, error);
    if (found == kInvalidFlag) return found;
    if (found != nullptr) error = found;
  }
  return error;
}

std::string KeyFlag(std::string_view key, bool is_binary) {
  std::string flag = " k";
  if (!is_binary) return flag.append(key);
  return flag.append(EncodeBase64(key)).append(" b");
}

}  // namespace tombolo::kvcache
