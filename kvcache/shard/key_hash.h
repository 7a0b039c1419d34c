// KeyHash: from a key to its two buckets and its tag. Each shard has a seed of its own, so that
// nobody can choose keys that meet.
#pragma once

#include <cstdint>
#include <string_view>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tombolo::kvcache {

struct BucketPair {
  uint64_t first = 0;
  uint64_t second = 0;  // Never the same.
};

class KeyHash {
 public:
  KeyHash(std::string_view key, uint64_t seed)
      : bits_(XXH3_64bits_withSeed(key.data(), key.size(), seed)) {}

  // The low bits of the half that selects the first bucket by its high ones.
  uint16_t Tag() const { return static_cast<uint16_t>(bits_); }

  // `bucket_count`: 2 to 2^31.
  BucketPair Buckets(uint64_t bucket_count) const {
    const uint64_t first = (bits_ & UINT32_MAX) * bucket_count >> 32;
    uint64_t second = (bits_ >> 32) * bucket_count >> 32;
    if (second == first) second = first + 1 == bucket_count ? 0 : first + 1;
    return {first, second};
  }

  uint64_t Bits() const { return bits_; }

 private:
  uint64_t bits_;
};

}  // namespace tombolo::kvcache
