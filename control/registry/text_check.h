// The rule for what people and other kernels call things.
#pragma once

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"

namespace tombolo::control {

// InvalidArgument unless `text` is 1 to `limit_bytes` bytes of printable ASCII without spaces.
// `what` goes into the message; the text itself does not, since it may be anything.
absl::Status CheckText(std::string_view text, const char* what, size_t limit_bytes);

}  // namespace tombolo::control
