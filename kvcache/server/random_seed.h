// Random seeds of hashes, so that nobody can choose keys that meet.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"

namespace tombolo::kvcache {

// From the kernel. Fails when it has none (which it has, once it has booted).
absl::StatusOr<uint64_t> RandomSeed();

}  // namespace tombolo::kvcache
