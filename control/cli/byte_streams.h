// Bytes of shared memory from and to our standard streams, copied as the mapping's type wants.
#pragma once

#include <cstddef>
#include <span>

#include "absl/status/status.h"
#include "transport/base/memory_type.h"

namespace tombolo::control {

// Writes `from` to stdout.
absl::Status PrintBytes(MemoryType type, std::span<const std::byte> from);

// Reads stdin to its end into `to`. OutOfRange: it has more than there is room for; what fits was
// written.
absl::Status FillFromStdin(MemoryType type, std::span<std::byte> to);

}  // namespace tombolo::control
