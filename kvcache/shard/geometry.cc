#include "kvcache/shard/geometry.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "kvcache/layout/bucket.h"
#include "kvcache/layout/item.h"
#include "kvcache/layout/segment_header.h"
#include "kvcache/layout/superblock.h"

namespace tombolo::kvcache {
namespace {

constexpr uint64_t kMaxBuckets = uint64_t{1} << 31;  // What half a hash selects from.
constexpr uint64_t kFillPercent = 85;  // Of the slots: with two choices next to no key is lost.

uint64_t WholeExtents(uint64_t bytes) {
  return (bytes + kExtentBytes - 1) / kExtentBytes * kExtentBytes;
}

absl::Status CheckRange(const char* what, uint64_t seen, uint64_t least, uint64_t most) {
  if (seen >= least && seen <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " is ", seen, "; it must be ", least, " to ", most, "."));
}

absl::Status CheckShape(const ShardShape& shape) {
  absl::Status status = CheckRange("the size of a segment, in bytes,", shape.segment_bytes,
                                   kMinSegmentBytes, kMaxSegmentBytes);
  if (status.ok() && !std::has_single_bit(shape.segment_bytes)) {
    status = absl::InvalidArgumentError(absl::StrCat(
        "the size of a segment is ", shape.segment_bytes, " bytes; it must be a power of two."));
  }
  status.Update(CheckRange("the largest item, in bytes,", shape.item_max_bytes, kMinItemMaxBytes,
                           shape.segment_bytes));
  status.Update(
      CheckRange("the number of segments", shape.segment_count, kMinSegments, kMaxSegments));
  status.Update(CheckRange("the number of buckets", shape.bucket_count, 2, kMaxBuckets));
  return status;
}

ShardGeometry Place(const ShardShape& shape) {
  ShardGeometry geometry{.shape = shape};
  geometry.index = Offset{kExtentBytes};
  geometry.segment_headers = geometry.index + WholeExtents(shape.bucket_count * sizeof(Bucket));
  geometry.segments =
      geometry.segment_headers + WholeExtents(shape.segment_count * sizeof(SegmentHeader));
  geometry.end = geometry.segments + shape.segment_count * shape.segment_bytes;
  return geometry;
}

// Buckets for as many usual items as `bytes` hold.
uint64_t BucketsFor(uint64_t bytes, uint64_t expected_item_bytes) {
  const uint64_t item_bytes = ItemBytes(0, expected_item_bytes);
  const uint64_t slots = bytes / item_bytes * 100 / kFillPercent;
  return std::clamp<uint64_t>(slots / kBucketSlots, 2, kMaxBuckets);
}

absl::Status CheckLimits(const ShardLimits& limits) {
  absl::Status status = CheckRange("the size of a shard, in bytes,", limits.shard_bytes,
                                   kMinSegments * kMinSegmentBytes, kMaxShardBytes);
  status.Update(CheckRange("the size of a usual item, in bytes,", limits.expected_item_bytes, 1,
                           kMaxSegmentBytes));
  status.Update(CheckRange("the size of a segment, in bytes,", limits.segment_bytes,
                           kMinSegmentBytes, kMaxSegmentBytes));
  return status;
}

}  // namespace

absl::StatusOr<ShardGeometry> PlaceShape(const ShardShape& shape, uint64_t shard_bytes) {
  if (absl::Status status = CheckShape(shape); !status.ok()) return status;
  const ShardGeometry geometry = Place(shape);
  if (geometry.end.bytes <= std::min(shard_bytes, kMaxShardBytes)) return geometry;
  return absl::InvalidArgumentError(absl::StrCat(
      shape.segment_count, " segments of ", shape.segment_bytes, " bytes and ", shape.bucket_count,
      " buckets end at byte ", geometry.end.bytes, " of a shard of ", shard_bytes, " bytes."));
}

absl::StatusOr<ShardGeometry> ComputeShardGeometry(const ShardLimits& limits) {
  if (absl::Status status = CheckLimits(limits); !status.ok()) return status;
  // What is spent on the index cannot hold items: the first guess is made with all of the bytes,
  // the second with what that leaves.
  uint64_t for_items = limits.shard_bytes;
  ShardShape shape{.segment_bytes = limits.segment_bytes, .item_max_bytes = limits.item_max_bytes};
  for (int guess = 0; guess < 2; ++guess) {
    shape.bucket_count = BucketsFor(for_items, limits.expected_item_bytes);
    const uint64_t index_bytes = WholeExtents(shape.bucket_count * sizeof(Bucket));
    for_items = limits.shard_bytes - std::min(limits.shard_bytes, index_bytes);
  }
  const uint64_t overhead = 2 * kExtentBytes;
  const uint64_t per_segment = limits.segment_bytes + sizeof(SegmentHeader);
  const uint64_t left = for_items - std::min(for_items, overhead);
  shape.segment_count = static_cast<uint32_t>(std::min<uint64_t>(left / per_segment, kMaxSegments));
  if (shape.segment_count < kMinSegments) {
    return absl::InvalidArgumentError(
        absl::StrCat("a shard of ", limits.shard_bytes, " bytes has room for ", shape.segment_count,
                     " segments of ", limits.segment_bytes, " bytes; it needs ", kMinSegments,
                     ": make it larger, or the segments smaller."));
  }
  return PlaceShape(shape, limits.shard_bytes);
}

}  // namespace tombolo::kvcache
