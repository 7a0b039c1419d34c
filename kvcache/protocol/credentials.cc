#include "kvcache/protocol/credentials.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tombolo::kvcache {
namespace {

bool IsSame(std::string_view seen, std::string_view wanted) {
  unsigned difference = seen.size() == wanted.size() ? 0 : 1;
  // All of `seen`, which is what the client knows of the length.
  for (size_t i = 0; i < seen.size(); ++i) {
    difference |=
        static_cast<unsigned char>(seen[i]) ^ static_cast<unsigned char>(wanted[i % wanted.size()]);
  }
  return difference == 0;
}

bool IsEntry(std::string_view entry) {
  const size_t colon = entry.find(':');
  return colon != 0 && colon != std::string_view::npos && colon + 1 != entry.size() &&
         entry.find(' ') == std::string_view::npos && entry.size() <= kMaxCredentialBytes;
}

}  // namespace

absl::StatusOr<Credentials> Credentials::Parse(std::string_view text) {
  Credentials credentials;
  for (int line = 1; !text.empty(); ++line) {
    std::string_view entry = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(entry.size() + 1, text.size()));
    if (entry.ends_with('\r')) entry.remove_suffix(1);
    if (entry.empty()) continue;
    if (!IsEntry(entry)) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", line, " is not USER:PASSWORD, without blanks and of at most ",
                       kMaxCredentialBytes, " bytes."));
    }
    std::string words(entry);
    words[entry.find(':')] = ' ';
    credentials.admitted_.push_back(std::move(words));
  }
  if (!credentials.admitted_.empty()) return credentials;
  return absl::InvalidArgumentError("nobody is in it; write lines of USER:PASSWORD.");
}

bool Credentials::Admit(std::string_view user, std::string_view password) const {
  const std::string words = std::string(user).append(" ").append(password);
  bool is_admitted = false;
  for (const std::string& admitted : admitted_) is_admitted |= IsSame(words, admitted);
  return is_admitted;
}

}  // namespace tombolo::kvcache
