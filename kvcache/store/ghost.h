// Ghost: which keys were evicted from the small queue not long ago, or asked for when they had
// expired. Whoever is written again soon is worth more: it goes to the main queue at once. Lossy:
// 16 bits of the hash of each, the newer over the older. Not thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "kvcache/shard/key_hash.h"

namespace tombolo::kvcache {

class Ghost {
 public:
  explicit Ghost(uint64_t entries) : prints_(entries) {}

  void Remember(const KeyHash& hash) { prints_[IndexOf(hash)] = PrintOf(hash); }

  // Whether the key is remembered; not any more afterwards.
  bool Take(const KeyHash& hash) {
    uint16_t& print = prints_[IndexOf(hash)];
    if (print != PrintOf(hash)) return false;
    print = 0;
    return true;
  }

 private:
  uint64_t IndexOf(const KeyHash& hash) const { return hash.Bits() % prints_.size(); }
  static uint16_t PrintOf(const KeyHash& hash) {
    return static_cast<uint16_t>(hash.Bits() >> 48 | 1);  // 0 is nobody.
  }

  std::vector<uint16_t> prints_;
};

}  // namespace tombolo::kvcache
