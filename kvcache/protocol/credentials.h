// Credentials: who may use a server that asks for a password, by memcached's file of them: a line
// USER:PASSWORD for each. Neither has blanks in it: clients have no way to send them.
#pragma once

#include <cstddef>
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

  // Whether they are those of one of them. How long it takes does not tell how much of them was
  // right.
  bool Admit(std::string_view user, std::string_view password) const;

 private:
  std::vector<std::string> admitted_;  // USER PASSWORD, as clients say it.
};

}  // namespace tombolo::kvcache
