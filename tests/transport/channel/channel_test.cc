#include "transport/channel/channel.h"

#include <string.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transport/channel/channel_members.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/alloc/extent_map.h"
#include "transport/base/units.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/endpoint/link_directory.h"
#include "transport/layout/link.h"
#include "transport/region/geometry.h"
#include "transport/region/region.h"

namespace tombolo {
namespace {

TEST(ChannelTest, DeliversAMessageWithSourceAndTag) {
  SimulatedMembers members;
  Member a(members, "a"), b(members, "b");
  ASSERT_TRUE(a.Send(b, 7, "hello"));
  EXPECT_EQ(b.channel->Poll(b.recorder), 1u);
  ASSERT_EQ(b.recorder.messages.size(), 1u);
  EXPECT_EQ(b.recorder.messages[0].source, a.Id());
  EXPECT_EQ(b.recorder.messages[0].tag, 7);
  EXPECT_EQ(b.recorder.messages[0].payload, "hello");
}

// Earlier holders of the receiver's index leave any value behind in its inbox.
TEST(ChannelTest, AFirstMessageIsSeenWhateverTheInboxSaidBefore) {
  for (int value = 0; value < 256; ++value) {
    SimulatedMembers members;
    Member a(members, "a");
    const EndpointId next{.index = a.Id().index + 1, .incarnation = 1};
    members.SharedRegion()
        .InboxByte(next.index, a.Id().index)
        .store(static_cast<uint8_t>(value), std::memory_order_relaxed);
    Member b(members, "b");
    ASSERT_EQ(b.Id(), next);
    ASSERT_TRUE(a.Send(b, 1, "x"));
    EXPECT_EQ(b.channel->Poll(b.recorder), 1u) << "the byte was " << value;
  }
}

// A poll looks at a part of the inbox only, and the last endpoints are not in the first part.
TEST(ChannelTest, AFirstMessageOfEveryOneOfManyMembersIsSeen) {
  SimulatedMembers members(RegionLimits{.region_bytes = uint64_t{32} << 20}, CacheSizes{});
  Member receiver(members, "receiver");
  std::vector<EndpointId> ids;
  while (ids.size() < 700) ids.push_back(members.Add("sender"));
  receiver.channel->Poll(receiver.recorder);  // The first look is at everything.
  for (const size_t i : {size_t{0}, size_t{255}, size_t{256}, size_t{257}, size_t{699}}) {
    const std::unique_ptr<Endpoint> endpoint = members.Adopt(ids[i]);
    const std::unique_ptr<Channel> sender = *Channel::Create(*endpoint);
    ASSERT_TRUE(sender->Open(receiver.Id()).ok());
    Claim claim;
    ASSERT_TRUE(sender->TryClaim(receiver.Id(), 1, claim));
    sender->Publish(claim, 1, 1);
    size_t delivered = 0;
    for (int poll = 0; poll < 32 && delivered == 0; ++poll) {
      delivered = receiver.channel->Poll(receiver.recorder);
    }
    EXPECT_EQ(delivered, 1u) << i;
  }
}

TEST(ChannelTest, AFirstMessageIsSeenBesideOneWhoSendsAllTheTime) {
  SimulatedMembers members;
  Member talker(members, "talker"), newcomer(members, "newcomer"), receiver(members, "receiver");
  ASSERT_TRUE(talker.Send(receiver, 1, "x"));
  ASSERT_EQ(receiver.channel->Poll(receiver.recorder), 1u);
  ASSERT_TRUE(newcomer.Send(receiver, 2, "y"));
  size_t delivered = 0;
  for (int poll = 0; poll < 8; ++poll) {
    ASSERT_TRUE(talker.Send(receiver, 1, "x"));
    delivered += receiver.channel->Poll(receiver.recorder);
  }
  EXPECT_EQ(delivered, 9u);
}

TEST(ChannelTest, DeliversEverySizeInOrderAndIntact) {
  SimulatedMembers members;
  Member a(members, "a"), b(members, "b");
  const size_t sizes[] = {0,
                          1,
                          55,
                          56,
                          57,
                          119,
                          120,
                          121,
                          1000,
                          kMaxInlineBytes,
                          kMaxInlineBytes + 1,
                          4096,
                          kBulkChunkBytes};
  uint64_t sent = 0;
  for (int round = 0; round < 200; ++round) {
    for (size_t size : sizes) {
      while (!a.Send(b, 1, Pattern(size, sent))) b.channel->Poll(b.recorder);
      ++sent;
    }
  }
  while (b.recorder.messages.size() < sent) b.channel->Poll(b.recorder);
  for (uint64_t i = 0; i < sent; ++i) {
    ASSERT_EQ(b.recorder.messages[i].payload, Pattern(sizes[i % std::size(sizes)], i)) << i;
  }
}

TEST(ChannelTest, ClaimFailsWhenNothingIsConsumedAndSucceedsAfterwards) {
  SimulatedMembers members;
  Member a(members, "a"), b(members, "b");
  int sent = 0;
  while (a.Send(b, 1, "x")) ++sent;
  EXPECT_EQ(sent, static_cast<int>(kLinkCells) - 1);
  while (b.channel->Poll(b.recorder) != 0) {
  }
  EXPECT_TRUE(a.Send(b, 1, "y"));
}

// The lane has room for three of 1 KiB: the others lie in chunks, and in the lane only where.
TEST(ChannelTest, AFullLaneGoesOnInChunks) {
  SimulatedMembers members;
  Member a(members, "a"), b(members, "b");
  constexpr size_t kMany = 6;
  for (size_t i = 0; i < kMany; ++i) ASSERT_TRUE(a.Send(b, 1, Pattern(1000, i))) << i;
  EXPECT_GT(a.channel->MaxPayloadBytes(b.Id()), kMaxInlineBytes);
  while (b.recorder.messages.size() < kMany) b.channel->Poll(b.recorder);
  for (size_t i = 0; i < kMany; ++i) {
    EXPECT_EQ(b.recorder.messages[i].payload, Pattern(1000, i)) << i;
  }
}

TEST(ChannelTest, ClaimsMayBePublishedInAnyOrderAndGivenUp) {
  SimulatedMembers members;
  Member a(members, "a"), b(members, "b");
  ASSERT_TRUE(a.channel->Open(b.Id()).ok());
  Claim first, second, third, bulk;
  ASSERT_TRUE(a.channel->TryClaim(b.Id(), 100, first));
  ASSERT_TRUE(a.channel->TryClaim(b.Id(), 100, second));
  ASSERT_TRUE(a.channel->TryClaim(b.Id(), 10000, bulk));
  ASSERT_TRUE(a.channel->TryClaim(b.Id(), 100, third));
  memset(third.payload.data(), '3', 100);
  a.channel->Publish(third, 3, 100);
  EXPECT_EQ(b.channel->Poll(b.recorder), 0u);
  memset(first.payload.data(), '1', 100);
  a.channel->Publish(first, 1, 50);
  a.channel->Abandon(bulk);
  a.channel->Abandon(second);
  EXPECT_EQ(b.channel->Poll(b.recorder), 2u);
  ASSERT_EQ(b.recorder.messages.size(), 2u);
  EXPECT_EQ(b.recorder.messages[0].payload, std::string(50, '1'));
  EXPECT_EQ(b.recorder.messages[1].payload, std::string(100, '3'));
  for (int i = 0; i < 100; ++i) {
    while (!a.Send(b, 1, Pattern(20000, 1))) b.channel->Poll(b.recorder);
  }
}

TEST(ChannelTest, ADeadPeersLastMessagesAreDeliveredBeforeItsDepartureIsTold) {
  SimulatedMembers members;
  Member a(members, "a"), b(members, "b");
  ASSERT_TRUE(a.Send(b, 1, "one"));
  b.channel->Poll(b.recorder);
  ASSERT_TRUE(a.Send(b, 1, "two"));
  members.Kill(a.Id());
  b.channel->Poll(b.recorder);
  EXPECT_EQ(b.recorder.messages.size(), 2u);
  ASSERT_EQ(b.recorder.departed.size(), 1u);
  EXPECT_EQ(b.recorder.departed[0], a.Id());
  EXPECT_EQ(members.SharedRegion().Line(b.Id().index).acked_epoch.load(std::memory_order_relaxed),
            members.Epoch());
}

TEST(ChannelTest, AFirstMessageOfOneThatDiedMeanwhileIsDelivered) {
  SimulatedMembers members;
  Member a(members, "a"), b(members, "b");
  ASSERT_TRUE(a.Send(b, 1, "last words"));
  members.Kill(a.Id());
  b.channel->Poll(b.recorder);
  ASSERT_EQ(b.recorder.messages.size(), 1u);
  ASSERT_EQ(b.recorder.departed.size(), 1u);
}

// Runs `then` when the first message comes.
class Interrupting final : public ChannelHandler {
 public:
  Interrupting(Recorder& recorder, std::function<void()> then)
      : recorder_(recorder), then_(std::move(then)) {}

  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override {
    recorder_.OnMessage(source, tag, payload);
    if (then_) std::exchange(then_, nullptr)();
  }
  void OnDeparted(EndpointId peer) override { recorder_.OnDeparted(peer); }

 private:
  Recorder& recorder_;
  std::function<void()> then_;
};

// The epoch moves for another reason, the inbox was looked at, and only then a peer that we only
// sent to announces its first message and dies.
TEST(ChannelTest, AFirstMessageOfOneThatDiesWhileAnotherEventIsHandledIsDelivered) {
  SimulatedMembers members;
  Member a(members, "a"), b(members, "b"), c(members, "c");
  ASSERT_TRUE(a.Send(b, 1, "to b"));
  ASSERT_TRUE(c.Send(a, 1, "from c"));
  Member newcomer(members, "newcomer");
  Interrupting handler(a.recorder, [&] {
    ASSERT_TRUE(b.Send(a, 1, "last words"));
    members.Kill(b.Id());
  });
  a.channel->Poll(handler);
  a.channel->Poll(handler);
  ASSERT_EQ(a.recorder.messages.size(), 2u);
  EXPECT_EQ(a.recorder.messages[1].payload, "last words");
  EXPECT_EQ(a.recorder.departed, std::vector<EndpointId>{b.Id()});
}

TEST(ChannelTest, ClaimToADeadPeerFailsAndItsIndexServesTheNextOne) {
  SimulatedMembers members;
  Member a(members, "a");
  auto b = std::make_unique<Member>(members, "b");
  const EndpointId old = b->Id();
  ASSERT_TRUE(a.Send(*b, 1, "x"));
  members.Kill(old);
  a.channel->Poll(a.recorder);
  Claim claim;
  EXPECT_FALSE(a.channel->TryClaim(old, 1, claim));
  EXPECT_EQ(a.channel->Open(old).code(), absl::StatusCode::kNotFound);
  b.reset();
  members.Recycle(old);
  Member next(members, "next");
  EXPECT_EQ(next.Id().index, old.index);
  EXPECT_TRUE(a.Send(next, 2, "y"));
  EXPECT_EQ(next.channel->Poll(next.recorder), 1u);
}

TEST(ChannelTest, ExtentsOfBothSidesComeBackAfterADeath) {
  SimulatedMembers members;
  Member a(members, "a");
  const ExtentMap extents(members.SharedRegion().ExtentMap());
  ASSERT_TRUE(a.channel->Open(a.Id()).ok());  // Claims the directory, which stays.
  const uint32_t before = extents.CountFree();
  auto b = std::make_unique<Member>(members, "b");
  ASSERT_TRUE(a.Send(*b, 1, Pattern(10000, 1)));
  ASSERT_TRUE(b->Send(a, 1, Pattern(10000, 2)));
  members.Kill(b->Id());
  a.channel->Poll(a.recorder);
  members.Recycle(b->Id());
  EXPECT_EQ(extents.CountFree(), before);
}

TEST(ChannelTest, AClaimThatIsOpenWhenTheReceiverDiesKeepsItsMemory) {
  SimulatedMembers members;
  Member a(members, "a"), b(members, "b");
  const ExtentMap extents(members.SharedRegion().ExtentMap());
  ASSERT_TRUE(a.channel->Open(b.Id()).ok());
  Claim claim;
  ASSERT_TRUE(a.channel->TryClaim(b.Id(), 10, claim));
  members.Kill(b.Id());
  const uint32_t before = extents.CountFree();
  a.channel->Poll(a.recorder);
  EXPECT_EQ(a.recorder.departed.size(), 1u);
  EXPECT_EQ(extents.CountFree(), before);
  a.channel->Publish(claim, 1, 10);
  EXPECT_EQ(extents.CountFree(), before + 1);
}

TEST(ChannelTest, ASenderWhoseHeaderMakesNoSenseIsDroppedAndCounted) {
  SimulatedMembers members;
  Member a(members, "a"), b(members, "b");
  ASSERT_TRUE(a.channel->Open(b.Id()).ok());
  Claim claim;
  ASSERT_TRUE(a.channel->TryClaim(b.Id(), 10, claim));
  claim.cell.header->store(~uint64_t{0}, std::memory_order_release);
  a.channel->Publish(claim, 1, 10);
  claim.cell.header->store(~uint64_t{0}, std::memory_order_release);
  EXPECT_EQ(b.channel->Poll(b.recorder), 0u);
  EXPECT_EQ(b.recorder.departed.size(), 1u);
  EXPECT_EQ(
      members.SharedRegion().Counters(b.Id().index).bad_headers.load(std::memory_order_relaxed),
      1u);
  a.Send(b, 1, "again");
  EXPECT_EQ(b.channel->Poll(b.recorder), 0u);
  EXPECT_EQ(b.recorder.departed.size(), 1u);
}

TEST(ChannelTest, AReceiverWhoseCreditsMakeNoSenseIsDroppedAndCounted) {
  SimulatedMembers members;
  Member a(members, "a"), b(members, "b");
  ASSERT_TRUE(a.channel->Open(b.Id()).ok());
  Claim claim;
  ASSERT_TRUE(a.channel->TryClaim(b.Id(), 10, claim));
  a.channel->Publish(claim, 1, 10);
  // SAFETY: the cell lies in its link, which begins at an extent.
  const auto cell = reinterpret_cast<uintptr_t>(claim.cell.header);
  reinterpret_cast<Link*>(cell / kExtentBytes * kExtentBytes)
      ->consumed_cells.store(~uint64_t{0}, std::memory_order_relaxed);
  while (a.channel->TryClaim(b.Id(), 10, claim)) a.channel->Publish(claim, 1, 10);
  EXPECT_FALSE(a.channel->PrepareToSleep());
  a.channel->Poll(a.recorder);
  EXPECT_EQ(a.recorder.departed, std::vector<EndpointId>{b.Id()});
  EXPECT_EQ(
      members.SharedRegion().Counters(a.Id().index).bad_credits.load(std::memory_order_relaxed),
      1u);
}

// Out of the region, in front of its extents, too long, and where no chunk begins.
TEST(ChannelTest, ABulkDescriptorThatNamesNoChunkIsRefused) {
  constexpr uint64_t kEnd = uint64_t{16} << 20;
  constexpr uint64_t kSkew = kBulkChunkSkewBytes;
  for (const BulkDescriptor& bad :
       {BulkDescriptor{0, 100}, BulkDescriptor{kSkew, 100}, BulkDescriptor{~uint64_t{0} - 50, 100},
        BulkDescriptor{kEnd, 1}, BulkDescriptor{kEnd + kSkew, 1},
        BulkDescriptor{kEnd - kExtentBytes + kSkew, 1},
        BulkDescriptor{kEnd / 2 + kSkew, ~uint64_t{0}},
        BulkDescriptor{kEnd / 2 + kSkew, kBulkChunkBytes + 1}, BulkDescriptor{kEnd / 2, 100},
        BulkDescriptor{kEnd / 2 + kSkew + 8, 100}}) {
    SimulatedMembers members;
    Member a(members, "a"), b(members, "b");
    ASSERT_TRUE(a.channel->Open(b.Id()).ok());
    Claim claim;
    ASSERT_TRUE(a.channel->TryClaim(b.Id(), 10000, claim));
    a.channel->Publish(claim, 1, 10000);
    memcpy(claim.cell.payload, &bad, sizeof(bad));
    EXPECT_EQ(b.channel->Poll(b.recorder), 0u);
    EXPECT_EQ(b.recorder.departed.size(), 1u);
  }
}

// Somebody rings and rings, and there is never anything to be seen.
// A receiver that was dropped alive may still read; what it was lent comes back when it is dead.
TEST(ChannelTest, TheExtentsOfALinkToALiarComeBackWhenItDies) {
  SimulatedMembers members;
  Member a(members, "a"), b(members, "b");
  const ExtentMap extents(members.SharedRegion().ExtentMap());
  ASSERT_TRUE(a.channel->Open(b.Id()).ok());
  const uint32_t before = extents.CountFree();
  Claim claim;
  ASSERT_TRUE(a.channel->TryClaim(b.Id(), 10, claim));
  a.channel->Publish(claim, 1, 10);
  // SAFETY: the cell lies in its link, which begins at an extent.
  const auto cell = reinterpret_cast<uintptr_t>(claim.cell.header);
  reinterpret_cast<Link*>(cell / kExtentBytes * kExtentBytes)
      ->consumed_cells.store(~uint64_t{0}, std::memory_order_relaxed);
  while (a.channel->TryClaim(b.Id(), 10, claim)) a.channel->Publish(claim, 1, 10);
  a.channel->Poll(a.recorder);
  EXPECT_EQ(extents.CountFree(), before);
  EXPECT_TRUE(absl::IsNotFound(a.channel->Open(b.Id())));
  const Region& region = members.SharedRegion();
  EXPECT_TRUE(FindLinkExtent(region, a.Id().index, b.Id().index))
      << "should we die, it must let go";
  members.Kill(b.Id());
  a.channel->Poll(a.recorder);
  EXPECT_EQ(extents.CountFree(), before + 1);
}

// Two threads, one echo: every message goes through sleep and doorbell at least sometimes.
// The sender runs out of credits all the time and sleeps until they come back.

}  // namespace
}  // namespace tombolo
