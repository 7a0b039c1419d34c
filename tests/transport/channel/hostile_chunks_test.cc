// Chunks of large messages, and what a receiver says of them that lies or is slow.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transport/channel/channel_members.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/alloc/extent_map.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/layout/link.h"

namespace tombolo {
namespace {

constexpr size_t kLargeBytes = 20 * kKiB;

Link& LinkOf(const Claim& claim) {
  // SAFETY: the cell lies in its link, which begins at an extent.
  const auto cell = reinterpret_cast<uintptr_t>(claim.cell.header);
  return *reinterpret_cast<Link*>(cell / kExtentBytes * kExtentBytes);
}

// Claims to `peer` until there is no more, and gives where the payloads begin.
std::vector<const std::byte*> ClaimAll(Member& sender, const Member& peer) {
  std::vector<const std::byte*> places;
  for (Claim claim; sender.channel->TryClaim(peer.Id(), kLargeBytes, claim);) {
    places.push_back(claim.payload.data());
  }
  return places;
}

TEST(HostileChunksTest, AChunkThatIsBeingWrittenGoesToNobodyElse) {
  SimulatedMembers members;
  Member sender(members, "sender"), liar(members, "liar"), honest(members, "honest");
  ASSERT_TRUE(sender.channel->Open(liar.Id()).ok());
  ASSERT_TRUE(sender.channel->Open(honest.Id()).ok());
  Claim open;
  ASSERT_TRUE(sender.channel->TryClaim(liar.Id(), kLargeBytes, open));
  LinkOf(open).released_chunks.store(1, std::memory_order_relaxed);
  // All of the liar's share, so that what it has released is looked for, and then all others.
  auto places = ClaimAll(sender, liar);
  for (const std::byte* place : ClaimAll(sender, honest)) places.push_back(place);
  EXPECT_GT(places.size(), 8u);
  EXPECT_EQ(std::ranges::count(places, open.payload.data()), 0);
}

// So many that the sender takes what it has never asked after yet.
TEST(HostileChunksTest, NoTwoMessagesShareAChunkHoweverManyThereAre) {
  const RegionLimits limits{
      .region_bytes = 64 * kMiB, .slot_count = 2, .vector_count = 16, .endpoint_count = 64};
  const CacheSizes caches{.l1d_bytes = 32 * kKiB, .l2_bytes = 2 * kMiB, .l3_bytes = 64 * kMiB};
  SimulatedMembers members(limits, caches);
  Member sender(members, "sender"), receiver(members, "receiver");
  ASSERT_TRUE(sender.channel->Open(receiver.Id()).ok());
  for (int i = 0; i < 2000; ++i) {
    Claim claim;
    ASSERT_TRUE(sender.channel->TryClaim(receiver.Id(), kLargeBytes, claim)) << i;
    sender.channel->Publish(claim, 1, kLargeBytes);
    receiver.channel->Poll(receiver.recorder);
    receiver.recorder.messages.clear();
  }
  auto places = ClaimAll(sender, receiver);
  EXPECT_GT(places.size(), 30u);
  std::ranges::sort(places);
  EXPECT_EQ(std::ranges::adjacent_find(places), places.end());
}

TEST(HostileChunksTest, AClaimThatIsOpenWhenALiarIsDroppedFreesNothing) {
  SimulatedMembers members;
  Member sender(members, "sender"), liar(members, "liar");
  const ExtentMap extents(members.SharedRegion().ExtentMap());
  ASSERT_TRUE(sender.channel->Open(liar.Id()).ok());
  const uint32_t before = extents.CountFree();
  Claim open, more;
  ASSERT_TRUE(sender.channel->TryClaim(liar.Id(), 10, open));
  LinkOf(open).consumed_cells.store(~uint64_t{0}, std::memory_order_relaxed);
  while (sender.channel->TryClaim(liar.Id(), 10, more)) sender.channel->Publish(more, 1, 10);
  sender.channel->Poll(sender.recorder);
  ASSERT_EQ(sender.recorder.departed.size(), 1u);
  // The liar lives and may still read.
  sender.channel->Publish(open, 1, 10);
  EXPECT_EQ(extents.CountFree(), before);
  members.Kill(liar.Id());
  sender.channel->Poll(sender.recorder);
  EXPECT_EQ(extents.CountFree(), before + 1);
}

}  // namespace
}  // namespace tombolo
