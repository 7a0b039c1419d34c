#include "transport/channel/bulk_pool.h"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/base/units.h"
#include "transport/layout/link.h"

namespace tombolo {
namespace {

constexpr uint16_t kOwner = 3;
constexpr uint32_t kSegmentChunks = 8;

class BulkPoolTest : public testing::Test {
 protected:
  BulkPoolTest() { pool_.AddReceiver(); }

  std::vector<uint32_t> TakeAll(uint32_t count) {
    std::vector<uint32_t> chunks;
    for (uint32_t i = 0; i < count; ++i) chunks.push_back(pool_.Take().value());
    return chunks;
  }

  SimulatedMembers members_;
  ExtentMap extents_{members_.SharedRegion().ExtentMap()};
  BulkPool pool_{members_.SharedRegion(), extents_, kOwner};
};

TEST_F(BulkPoolTest, TakesNoMemoryBeforeItsFirstUse) {
  EXPECT_EQ(extents_.CountFree(), extents_.Count());
  EXPECT_FALSE(pool_.HasFree());
}

TEST_F(BulkPoolTest, ChunksAreRecycledFirstInFirstOut) {
  const std::vector<uint32_t> first = TakeAll(3);
  for (uint32_t chunk : first) pool_.GiveBack(chunk);
  TakeAll(kSegmentChunks - 3);
  EXPECT_EQ(TakeAll(3), first);
}

TEST_F(BulkPoolTest, GrowsWithUse) {
  const uint64_t before = pool_.ChunkCount();
  for (int i = 0; i < 1000; ++i) pool_.GiveBack(*pool_.Take());
  EXPECT_EQ(before, 0u);
  EXPECT_EQ(pool_.ChunkCount(), kMiB / kBulkChunkBytes) << "the target where caches are not known";
}

TEST_F(BulkPoolTest, GrowsToAnotherTargetWhenItIsTold) {
  for (const auto& [bytes, chunks] : {std::pair<uint64_t, uint32_t>(1, kSegmentChunks),
                                      {kMiB / 2, kMiB / 2 / kBulkChunkBytes},
                                      {kMiB + 1, kMiB / kBulkChunkBytes}}) {
    pool_.SetTarget(bytes);
    for (int i = 0; i < 1000; ++i) pool_.GiveBack(*pool_.Take());
    EXPECT_EQ(pool_.ChunkCount(), chunks) << bytes << " bytes";
  }
}

TEST(BulkPoolTargetTest, DependsOnCaches) {
  constexpr uint32_t kL3 = 64 * kMiB;
  const auto target = [](const CacheSizes& caches) {
    return BulkPool::DefaultTargetBytes(caches, /*is_processor_emulated=*/false);
  };
  EXPECT_EQ(target({}), kMiB);
  EXPECT_EQ(target({.l2_bytes = 512 * kKiB, .l3_bytes = kL3}), 2 * kMiB);
  EXPECT_EQ(target({.l2_bytes = kMiB, .l3_bytes = kL3}), 4 * kMiB);
  EXPECT_EQ(target({.l2_bytes = kMiB, .l3_bytes = 8 * kMiB}), kMiB);
  EXPECT_EQ(target({.l2_bytes = 2 * kMiB, .l3_bytes = kL3}), kMiB);
}

TEST(BulkPoolTargetTest, IsOneSegmentOnAnEmulatedProcessor) {
  const CacheSizes caches = {.l2_bytes = 2 * kMiB, .l3_bytes = 64 * kMiB};
  EXPECT_EQ(BulkPool::DefaultTargetBytes(caches, /*is_processor_emulated=*/true),
            kSegmentChunks * kBulkChunkBytes);
}

TEST_F(BulkPoolTest, ALittleUseTakesASegmentOnly) {
  pool_.GiveBack(*pool_.Take());
  EXPECT_EQ(pool_.ChunkCount(), kSegmentChunks);
}

TEST_F(BulkPoolTest, IsSharedByReceiversUpToFour) {
  constexpr uint32_t kChunks = kMiB / kBulkChunkBytes;
  for (uint32_t receivers = 2; receivers <= 6; ++receivers) {
    pool_.AddReceiver();
    for (int i = 0; i < 5000; ++i) pool_.GiveBack(*pool_.Take());
    EXPECT_EQ(pool_.ChunkCount(), kChunks);
    EXPECT_EQ(pool_.Share(), kChunks / std::min(receivers, BulkPool::kMostShares));
  }
}

TEST_F(BulkPoolTest, LeavesHalfOfTheRegionFree) {
  const uint32_t spare = extents_.Count() / 2 - 100;
  ASSERT_TRUE(extents_.Claim(spare, /*owner=*/60, ExtentKind::kMemory));
  TakeAll(kSegmentChunks);
  EXPECT_EQ(pool_.Take(), std::nullopt);
  EXPECT_EQ(pool_.ChunkCount(), kSegmentChunks);
}

TEST_F(BulkPoolTest, TriesAgainWhenMemoryMayHaveComeBack) {
  const auto all = extents_.Claim(extents_.Count(), /*owner=*/60, ExtentKind::kMemory);
  ASSERT_TRUE(all);
  EXPECT_EQ(pool_.Take(), std::nullopt);
  ASSERT_TRUE(extents_.Free(*all, /*owner=*/60));
  int tries = 0;
  while (!pool_.Take() && tries < 1000) ++tries;
  EXPECT_LT(tries, 1000);
}

TEST_F(BulkPoolTest, TrimGivesIdleSegmentsBackAndKeepsTheOthers) {
  for (int i = 0; i < 1000; ++i) pool_.GiveBack(*pool_.Take());
  const uint32_t in_use = *pool_.Take();
  pool_.Trim();
  EXPECT_EQ(pool_.ChunkCount(), kSegmentChunks);
  EXPECT_EQ(TakeAll(kSegmentChunks - 1).size(), kSegmentChunks - 1);
  pool_.GiveBack(in_use);
}

TEST_F(BulkPoolTest, TrimOfAnIdlePoolLeavesNothing) {
  for (int i = 0; i < 1000; ++i) pool_.GiveBack(*pool_.Take());
  pool_.Trim();
  EXPECT_EQ(pool_.ChunkCount(), 0u);
  EXPECT_EQ(extents_.CountFree(), extents_.Count());
  EXPECT_TRUE(pool_.Take());
}

}  // namespace
}  // namespace tombolo
