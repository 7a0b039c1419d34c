// `tombolo ring`, `wait` and `id` where there is no Tombolo (ivshmem_option.h).
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "control/cli/ivshmem_option.h"

namespace tombolo::control {

// Rings vector `vector` of `peer`.
absl::Status RingIvshmem(const IvshmemFlags& flags, uint32_t peer, uint32_t vector);

// Prints how the own doorbell of `vector` ("": 0) is rung, and waits until it was, `count` times.
// Aborted: it was not within `timeout_s`, less than 0: for ever.
absl::Status AwaitIvshmem(const IvshmemFlags& flags, const std::string& vector, uint32_t count,
                          double timeout_s);

// Prints the own ID, the memory's size, and who else is there.
absl::Status PrintIvshmemId(const IvshmemFlags& flags);

}  // namespace tombolo::control
