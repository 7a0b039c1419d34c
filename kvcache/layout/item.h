// An item: 24 bytes of header, the key, the value, zeros to a multiple of 8. It is complete before
// a slot leads to it and never changes afterwards, but for its expiry and marks.
//
//   sizes    63     48 47    40 39    32 31                0
//            | marks  |  kind  |  key   |      value       |
//   life     63                     32 31                  0
//            |        flags           |       expiry       |
//
// key and value are lengths in bytes; flags are the client's; expiry is in seconds of Unix time, 0
// for never. kind is reserved: 0.
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/layout/shared_word.h"

namespace tombolo::kvcache {

inline constexpr size_t kMaxKeyBytes = 250;
inline constexpr uint64_t kItemAlignmentBytes = 8;

// Marks. Those that are not named are 0.
inline constexpr uint16_t kMarkFetched = 1;    // Somebody has asked the owner for it.
inline constexpr uint16_t kMarkStale = 2;      // Its value is out of date.
inline constexpr uint16_t kMarkWon = 4;        // A client was told to write it anew.
inline constexpr uint16_t kMarkBinaryKey = 8;  // Clients write its key in base64.

struct ItemSizes {
  uint32_t value_bytes = 0;
  uint8_t key_bytes = 0;
  uint8_t kind = 0;
  uint16_t marks = 0;
};

constexpr uint64_t Pack(const ItemSizes& sizes) {
  return uint64_t{sizes.marks} << 48 | uint64_t{sizes.kind} << 40 |
         uint64_t{sizes.key_bytes} << 32 | sizes.value_bytes;
}

constexpr ItemSizes UnpackItemSizes(uint64_t packed) {
  return ItemSizes{.value_bytes = static_cast<uint32_t>(packed),
                   .key_bytes = static_cast<uint8_t>(packed >> 32),
                   .kind = static_cast<uint8_t>(packed >> 40),
                   .marks = static_cast<uint16_t>(packed >> 48)};
}

struct ItemLife {
  uint32_t flags = 0;
  uint32_t expiry_s = 0;
};

constexpr uint64_t Pack(const ItemLife& life) { return uint64_t{life.flags} << 32 | life.expiry_s; }

constexpr ItemLife UnpackItemLife(uint64_t packed) {
  return ItemLife{.flags = static_cast<uint32_t>(packed >> 32),
                  .expiry_s = static_cast<uint32_t>(packed)};
}

struct Item {
  SharedU64 sizes;
  SharedU64 life;
  SharedU64 cas;
};

static_assert(offsetof(Item, sizes) == 0);
static_assert(offsetof(Item, life) == 8);
static_assert(offsetof(Item, cas) == 16);
static_assert(sizeof(Item) == 24);

// Bytes that an item fills in its segment.
constexpr uint64_t ItemBytes(uint64_t key_bytes, uint64_t value_bytes) {
  const uint64_t bytes = sizeof(Item) + key_bytes + value_bytes;
  return (bytes + kItemAlignmentBytes - 1) / kItemAlignmentBytes * kItemAlignmentBytes;
}

}  // namespace tombolo::kvcache
