// The atomic types of which everything in the region is made.
#pragma once

#include <atomic>
#include <cstdint>

namespace tombolo {

using SharedU8 = std::atomic<uint8_t>;  // Inboxes only: one byte per sender.
using SharedU32 = std::atomic<uint32_t>;
using SharedU64 = std::atomic<uint64_t>;

static_assert(SharedU8::is_always_lock_free && sizeof(SharedU8) == 1);
static_assert(SharedU32::is_always_lock_free && sizeof(SharedU32) == 4);
static_assert(SharedU64::is_always_lock_free && sizeof(SharedU64) == 8);

}  // namespace tombolo
