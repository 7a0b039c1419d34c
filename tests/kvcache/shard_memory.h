// Memory of a shard: aligned, zeroed, and not one byte more than was asked for.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "transport/base/units.h"

namespace tombolo::kvcache {

class ShardMemory {
 public:
  // Bytes: a multiple of a cache line.
  explicit ShardMemory(size_t size_bytes) : lines_(size_bytes / kCacheLineBytes) {}

  std::span<std::byte> Bytes() { return {lines_.data()->bytes, lines_.size() * kCacheLineBytes}; }

 private:
  struct alignas(kCacheLineBytes) Line {
    std::byte bytes[kCacheLineBytes];
  };

  std::vector<Line> lines_;
};

}  // namespace tombolo::kvcache
