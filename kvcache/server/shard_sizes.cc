#include "kvcache/server/shard_sizes.h"

#include <algorithm>
#include <bit>

#include "kvcache/shard/file_shape.h"
#include "kvcache/shard/geometry.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

constexpr uint64_t kUsualSegments =
    256;  // Of a shard: two or three of them are empty, or being filled.
constexpr uint64_t kFewSegments = 16;  // Rather fewer shards than so few segments in each.
constexpr uint64_t kUsualSegmentBytes = 2 * kMiB;

uint64_t LeastSegmentBytes(uint64_t item_max_bytes) {
  return std::bit_ceil(std::max(item_max_bytes, kMinSegmentBytes));
}

}  // namespace

uint64_t SegmentBytesFor(uint64_t shard_bytes, uint64_t item_max_bytes) {
  const uint64_t least = LeastSegmentBytes(item_max_bytes);
  const uint64_t wanted = std::bit_floor(shard_bytes / kUsualSegments + 1);
  return std::clamp(wanted, least, std::max(least, kUsualSegmentBytes));
}

uint32_t ShardsFor(uint64_t file_bytes, uint32_t threads, uint64_t item_max_bytes) {
  uint32_t shards = std::min(std::bit_floor(threads), kMaxShards);
  while (shards > 1) {
    const uint64_t shard_bytes = file_bytes / shards;
    if (shard_bytes >= kFewSegments * SegmentBytesFor(shard_bytes, item_max_bytes)) break;
    shards /= 2;
  }
  return shards;
}

// One segment more than a shard needs, for its index.
uint64_t LeastFileBytes(uint32_t shards, uint64_t item_max_bytes) {
  return shards * (kMinSegments + 1) * LeastSegmentBytes(item_max_bytes);
}

uint32_t MostShards(uint64_t file_bytes, uint64_t item_max_bytes) {
  const uint64_t shards = file_bytes / LeastFileBytes(1, item_max_bytes);
  return static_cast<uint32_t>(std::min<uint64_t>(shards, kMaxShards));
}

}  // namespace tombolo::kvcache
