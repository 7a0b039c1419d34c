// Where the parts of a shard lie: a pure function of its size and shape, so that whoever attaches
// can check what the superblock says against its own computation.
//
//   superblock | index: buckets | segment headers | segments
//
// Each part begins at a whole extent (4,096 bytes).
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/offset.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {

// One is open for new items, one for survivors, and one is kept free to move survivors into.
inline constexpr uint32_t kMinSegments = 3;
inline constexpr uint32_t kMaxSegments = uint32_t{1} << 24;
inline constexpr uint64_t kMinSegmentBytes = 4 * kKiB;
inline constexpr uint64_t kMaxSegmentBytes = kGiB;
inline constexpr uint64_t kMaxShardBytes = uint64_t{1} << 42;  // What a slot's location reaches.
inline constexpr uint32_t kMinItemMaxBytes = 1024;

// What an operator chooses.
struct ShardLimits {
  uint64_t shard_bytes = 0;            // Of the whole shard: all that it may use.
  uint64_t expected_item_bytes = 200;  // Key and value of a usual item: sizes the index.
  uint64_t segment_bytes = 2 * kMiB;   // A power of two.
  uint32_t item_max_bytes = kMiB;      // Header, key and value; at most a segment.
};

// What follows from it, and what the superblock says.
struct ShardShape {
  uint64_t bucket_count = 0;
  uint64_t segment_bytes = 0;
  uint32_t segment_count = 0;
  uint32_t item_max_bytes = 0;

  friend bool operator==(const ShardShape&, const ShardShape&) = default;
};

struct ShardGeometry {
  ShardShape shape = {};
  Offset index = {};
  Offset segment_headers = {};
  Offset segments = {};
  Offset end = {};
};

// InvalidArgument names the first limit that is out of range, with what was expected.
absl::StatusOr<ShardGeometry> ComputeShardGeometry(const ShardLimits& limits);

// The same for a shape that a superblock told, in a shard of `shard_bytes`. InvalidArgument: no
// shard has that shape, or it does not fit.
absl::StatusOr<ShardGeometry> PlaceShape(const ShardShape& shape, uint64_t shard_bytes);

}  // namespace tombolo::kvcache
