// How long a load from a window takes: whoever maps the memory of a device without a cache pays for
// each load what others pay for hundreds, and nothing else tells him.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tombolo::kvcache {

// Of memory that is mapped as it should be a load takes one or two; some, in an emulated machine.
inline constexpr int64_t kSlowLoadNs = 50;

// The time of a load, in nanoseconds, from the beginning of `memory` that was just loaded before.
// `memory` is aligned to 8 and has at least 8 bytes.
int64_t LoadTimeNs(std::span<const std::byte> memory);

}  // namespace tombolo::kvcache
