#include "transport/ring/bulk_lane.h"

#include <array>
#include <atomic>
#include <thread>

#include "gtest/gtest.h"
#include "tests/support/spin.h"
#include "transport/layout/link.h"

namespace tombolo {
namespace {

class BulkLaneTest : public testing::Test {
 protected:
  static constexpr uint32_t kChunks = 4;

  // The next chunk's index, or -1.
  int Claim() {
    uint32_t chunk = 0;
    return lane_.TryClaim(link_, chunk) ? static_cast<int>(chunk) : -1;
  }
  void SetReleased(uint64_t position) {
    link_.released_chunks.store(position, std::memory_order_release);
  }

  Link link_{};
  BulkLaneProducer lane_{kChunks};
};

TEST_F(BulkLaneTest, ALaneWithoutChunksGivesNone) {
  BulkLaneProducer none;
  uint32_t chunk = 0;
  EXPECT_FALSE(none.TryClaim(link_, chunk));
  EXPECT_FALSE(none.HasRoom(link_));
}

TEST_F(BulkLaneTest, ChunksAreClaimedInOrder) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Claim(), i);
}

TEST_F(BulkLaneTest, ClaimFailsWhenTheReceiverHoldsEveryChunk) {
  for (uint32_t i = 0; i < kChunks; ++i) Claim();
  EXPECT_EQ(Claim(), -1);
  EXPECT_FALSE(lane_.HasRoom(link_));
}

TEST_F(BulkLaneTest, ReleasedChunksAreRecycledFirstInFirstOut) {
  for (uint32_t i = 0; i < kChunks; ++i) Claim();
  SetReleased(2);
  EXPECT_TRUE(lane_.HasRoom(link_));
  EXPECT_EQ(Claim(), 0);
  EXPECT_EQ(Claim(), 1);
  EXPECT_EQ(Claim(), -1);
}

TEST_F(BulkLaneTest, MoreReleasedThanClaimedCountsAsNothing) {
  for (uint32_t i = 0; i < kChunks; ++i) Claim();
  for (const uint64_t lie : {uint64_t{5}, uint64_t{1} << 40, UINT64_MAX}) {
    SetReleased(lie);
    EXPECT_EQ(Claim(), -1) << lie;
    EXPECT_FALSE(lane_.HasRoom(link_)) << lie;
  }
  SetReleased(1);
  EXPECT_EQ(Claim(), 0);
}

TEST_F(BulkLaneTest, ReleasesThatGoBackCountAsNothing) {
  for (uint32_t i = 0; i < kChunks; ++i) Claim();
  SetReleased(4);
  for (uint32_t i = 0; i < kChunks; ++i) EXPECT_NE(Claim(), -1);
  SetReleased(3);
  EXPECT_EQ(Claim(), -1);
}

// The receiver reads a chunk before it says so, and the sender does not write it earlier.
TEST_F(BulkLaneTest, NoChunkIsWrittenWhileItIsBeingRead) {
  constexpr uint64_t kRounds = 50'000;
  std::array<uint64_t, kChunks> memory{};  // Not atomic: a race is a finding of TSan.
  std::atomic<uint64_t> sent = 0;
  std::thread receiver([&] {
    for (uint64_t i = 0; i < kRounds; ++i) {
      if (!SpinUntil([&] { return sent.load(std::memory_order_acquire) > i; })) return;
      EXPECT_EQ(memory[i % kChunks], i);
      SetReleased(i + 1);
    }
  });
  for (uint64_t i = 0; i < kRounds; ++i) {
    uint32_t chunk = 0;
    const bool claimed = SpinUntil([&] { return lane_.TryClaim(link_, chunk); });
    EXPECT_TRUE(claimed);
    if (!claimed) break;
    memory[chunk] = i;
    sent.store(i + 1, std::memory_order_release);
  }
  receiver.join();
}

}  // namespace
}  // namespace tombolo
