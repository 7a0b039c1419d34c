// Reads a whole file that somebody named.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace tombolo::control {

// The bytes of the file at `path`, which may be any that can be read without waiting: so is
// /dev/null, and a pipe that nobody writes. NotFound: there is none. InvalidArgument: it has more
// than `max_bytes`. Else as the system says: a folder, a file that may not be read.
absl::StatusOr<std::string> ReadText(const std::string& path, size_t max_bytes);

}  // namespace tombolo::control
