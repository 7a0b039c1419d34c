// Where the parts of a shard lie, and what is refused.
#include "kvcache/shard/geometry.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kvcache/layout/bucket.h"
#include "kvcache/layout/item.h"
#include "kvcache/store/expiry.h"
#include "tests/support/status_text.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

using testing::HasSubstr;

TEST(ShardGeometryTest, FillsTheShardWithSegments) {
  const auto geometry = ComputeShardGeometry({.shard_bytes = kGiB});
  ASSERT_TRUE(geometry.ok()) << Text(geometry);
  EXPECT_EQ(geometry->index.bytes, 4096u);
  EXPECT_LE(geometry->end.bytes, kGiB);
  EXPECT_GT(geometry->end.bytes, kGiB - 3 * kMiB);
  EXPECT_GT(geometry->segments.bytes, geometry->segment_headers.bytes);
}

TEST(ShardGeometryTest, AnItemOf100BytesCostsAtMost40More) {
  const auto geometry = ComputeShardGeometry({.shard_bytes = kGiB, .expected_item_bytes = 116});
  ASSERT_TRUE(geometry.ok()) << Text(geometry);
  const double items =
      static_cast<double>(geometry->shape.segment_count * geometry->shape.segment_bytes) /
      static_cast<double>(ItemBytes(16, 100));
  const double slots = static_cast<double>(geometry->shape.bucket_count * kBucketSlots);
  EXPECT_LT(items / slots, 0.9);
  EXPECT_LE(static_cast<double>(kGiB) / items - 116, 40);
}

TEST(ShardGeometryTest, ItsOwnShapesCanBePlaced) {
  for (const uint64_t bytes : {64 * kKiB, kMiB + 64, 100 * kMiB, kGiB}) {
    const auto computed = ComputeShardGeometry(
        {.shard_bytes = bytes, .segment_bytes = 8 * kKiB, .item_max_bytes = 1024});
    ASSERT_TRUE(computed.ok()) << Text(computed);
    const auto placed = PlaceShape(computed->shape, bytes);
    ASSERT_TRUE(placed.ok()) << Text(placed);
    EXPECT_EQ(placed->end, computed->end);
    EXPECT_FALSE(PlaceShape(computed->shape, computed->end.bytes - 1).ok());
  }
}

TEST(ShardGeometryTest, SaysWhichLimitIsOutOfRange) {
  EXPECT_THAT(Text(ComputeShardGeometry({.shard_bytes = 100})), HasSubstr("size of a shard"));
  EXPECT_THAT(Text(ComputeShardGeometry({.shard_bytes = 4 * kMiB})),
              HasSubstr("has room for 1 segments of 2097152 bytes; it needs 3"));
  EXPECT_THAT(Text(ComputeShardGeometry({.shard_bytes = kGiB, .segment_bytes = 3 * kMiB})),
              HasSubstr("power of two"));
  EXPECT_THAT(Text(ComputeShardGeometry({.shard_bytes = kGiB, .item_max_bytes = 3 * kMiB})),
              HasSubstr("the largest item, in bytes, is 3145728; it must be 1024 to 2097152"));
  EXPECT_THAT(Text(ComputeShardGeometry({.shard_bytes = kGiB, .expected_item_bytes = 0})),
              HasSubstr("usual item"));
}

TEST(ShardGeometryTest, HostileShapesAreRefused) {
  const ShardShape good = ComputeShardGeometry({.shard_bytes = kGiB})->shape;
  const auto refuses = [&](auto change) {
    ShardShape shape = good;
    change(shape);
    return !PlaceShape(shape, kGiB).ok();
  };
  EXPECT_FALSE(refuses([](ShardShape&) {}));
  EXPECT_TRUE(refuses([](ShardShape& shape) { shape.bucket_count = 0; }));
  EXPECT_TRUE(refuses([](ShardShape& shape) { shape.bucket_count = UINT64_MAX / 64 + 2; }));
  EXPECT_TRUE(refuses([](ShardShape& shape) { shape.segment_count = UINT32_MAX; }));
  EXPECT_TRUE(refuses([](ShardShape& shape) { shape.segment_bytes = 0; }));
  EXPECT_TRUE(refuses([](ShardShape& shape) { shape.segment_bytes = uint64_t{1} << 63; }));
  EXPECT_TRUE(refuses([](ShardShape& shape) { ++shape.segment_count; }));
}

TEST(ExpiryTest, IsRelativeUpTo30DaysAndAbsoluteBeyond) {
  EXPECT_EQ(ExpiryOf(0, 1000), 0u);
  EXPECT_EQ(ExpiryOf(1, 1000), 1001u);
  EXPECT_EQ(ExpiryOf(2592000, 1000), 2593000u);
  EXPECT_EQ(ExpiryOf(2592001, 1000), 2592001u);
  EXPECT_EQ(ExpiryOf(-5, 1000), kLongExpired);
  EXPECT_EQ(ExpiryOf(INT64_MAX, 1000), UINT32_MAX);
}

}  // namespace
}  // namespace tombolo::kvcache
