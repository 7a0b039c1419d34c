// How a file of a given size is divided: shards for its threads, segments for its items.
#pragma once

#include <cstdint>

namespace tombolo::kvcache {

// A power of two: large enough for the largest item, and small enough for a shard to have many.
uint64_t SegmentBytesFor(uint64_t shard_bytes, uint64_t item_max_bytes);

// As many as threads, rounded down to a power of two, but fewer when each would have few segments.
uint32_t ShardsFor(uint64_t file_bytes, uint32_t threads, uint64_t item_max_bytes);

// What a file must have at least, and how many shards it may have at most.
uint64_t LeastFileBytes(uint32_t shards, uint64_t item_max_bytes);
uint32_t MostShards(uint64_t file_bytes, uint64_t item_max_bytes);

}  // namespace tombolo::kvcache
