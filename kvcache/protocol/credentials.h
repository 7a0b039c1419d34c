// Credentials: who may use a server that asks for a password, by memcached's file of them: a line
// USER:PASSWORD for each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tombolo::kvcache {

inline constexpr size_t kMaxCredentialBytes = 256;  // User, a blank and password.

class Credentials {
 public:
  // `text`: the file's. InvalidArgument names the first line that is none, or says that there are
  // no lines.
  static absl::StatusOr<Credentials> Parse(std::string_view text);

  // Whether `words` is "USER PASSWORD" of one of them. How long it takes does not tell how much of
  // it was right.
  bool Admit(std::string_view words) const;

 private:
  std::vector<std::string> admitted_;  // As clients say it.
};

}  // namespace tombolo::kvcache
