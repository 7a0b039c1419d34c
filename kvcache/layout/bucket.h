// A bucket of the index: one cache line of eight slots. A key lies in one slot of its two buckets.
//
//   63      48 47      40 39                          0
//   |   tag   | generation |         location         |
//
// tag: 16 bits of the key's hash. generation: the low 8 bits of the segment's. location: of the
// item, from the shard's base, in units of 8 bytes. 0: the slot is empty; no item has location 0.
// The owner changes a slot by one store (release); readers load it (acquire).
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/base/units.h"
#include "transport/layout/shared_word.h"

namespace tombolo::kvcache {

inline constexpr uint32_t kBucketSlots = 8;
inline constexpr uint64_t kLocationUnitBytes = 8;
inline constexpr uint64_t kLocationMask = (uint64_t{1} << 40) - 1;

struct Slot {
  uint16_t tag = 0;
  uint8_t generation = 0;
  uint64_t location = 0;  // 40 bits.

  friend constexpr bool operator==(const Slot&, const Slot&) = default;
};

constexpr uint64_t Pack(const Slot& slot) {
  return uint64_t{slot.tag} << 48 | uint64_t{slot.generation} << 40 |
         (slot.location & kLocationMask);
}

constexpr Slot UnpackSlot(uint64_t packed) {
  return Slot{.tag = static_cast<uint16_t>(packed >> 48),
              .generation = static_cast<uint8_t>(packed >> 40),
              .location = packed & kLocationMask};
}

struct alignas(kCacheLineBytes) Bucket {
  SharedU64 slots[kBucketSlots];
};

static_assert(offsetof(Bucket, slots) == 0);
static_assert(sizeof(Bucket) == 64);
static_assert(sizeof(Bucket) == kCacheLineBytes);
static_assert(UnpackSlot(Pack(Slot{0xffff, 0xff, kLocationMask})) ==
              Slot{0xffff, 0xff, kLocationMask});

}  // namespace tombolo::kvcache
