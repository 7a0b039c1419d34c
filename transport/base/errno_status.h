// The one place where an errno becomes an absl::Status.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace tombolo {

// `what` says what was tried and on what ("open /run/tombolo/broker.sock"); the system's own words
// for `error` (an errno value) are appended. The status code follows absl's table of errno values.
absl::Status ErrnoStatus(int error, std::string_view what);

}  // namespace tombolo
