// Endpoints of guest/flat and of transport/channel in one region.
#include "guest/flat/endpoint.h"

#include <string.h>

#include <iterator>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/guest/flat/flat_fixture.h"
#include "tests/guest/flat/flat_member.h"
#include "tests/guest/flat/interrupted_machine.h"
#include "tests/transport/channel/channel_members.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/device/ivshmem_registers.h"
#include "transport/layout/counters.h"
#include "transport/layout/endpoint_line.h"
#include "transport/layout/link.h"
#include "transport/layout/member_table.h"
#include "transport/layout/shared_word.h"
#include "transport/region/region.h"

namespace tombolo {
namespace {

TEST_F(FlatEndpointTest, SendsMessagesOfAllInlineSizes) {
  for (size_t size = 0; size <= kMaxInlineBytes; size += size < 130 ? 1 : 99) {
    const std::string text = Pattern(size, size);
    SendFromFlat(text);
    ASSERT_FALSE(linux_->recorder.messages.empty());
    const Received& last = linux_->recorder.messages.back();
    ASSERT_EQ(last.payload, text);
    ASSERT_EQ(last.source, flat_.Id());
    ASSERT_EQ(last.tag, kTag);
  }
  ExpectCleanRegion();
}

TEST_F(FlatEndpointTest, ReceivesMessagesOfAllInlineSizes) {
  for (size_t size = 0; size <= kMaxInlineBytes; size += size < 130 ? 1 : 99) {
    const std::string text = Pattern(size, size);
    SendFromLinux(text);
    ASSERT_FALSE(flat_.received.empty());
    ASSERT_EQ(flat_.received.back().payload, text);
    ASSERT_EQ(flat_.received.back().from.index, linux_->Id().index);
    PollBoth();
  }
  ExpectCleanRegion();
}

TEST_F(FlatEndpointTest, TheLapOfALinkMayWrap) {
  // 16 bits of laps of 61 cells, 30 cells each message and a skip.
  const std::string text = Pattern(kMaxInlineBytes, 3);
  for (int i = 0; i < 2 * 0x10000 + 10; ++i) {
    ASSERT_NO_FATAL_FAILURE(SendFromFlat(text));
    ASSERT_EQ(linux_->recorder.messages.size(), 1u);
    linux_->recorder.messages.clear();
  }
}

TEST_F(FlatEndpointTest, CopiesBulkMessagesAndGivesTheirChunksBack) {
  for (size_t i = 0; i < 100; ++i) {
    const std::string text = Pattern(kBulkChunkBytes - i, i);
    ASSERT_NO_FATAL_FAILURE(SendFromLinux(text));
    ASSERT_EQ(flat_.received.size(), i + 1);
    ASSERT_EQ(flat_.received.back().payload, text);
  }
}

TEST_F(FlatEndpointTest, CopiesWhatIsLentAndReturnsIt) {
  const absl::StatusOr<RegionBuffer> buffer = linux_->channel->Allocate(64 * kKiB);
  ASSERT_TRUE(buffer.ok());
  const std::string text = Pattern(20000, 5);
  memcpy(buffer->bytes.data(), text.data(), text.size());
  ASSERT_TRUE(linux_->channel->Open(flat_.Id()).ok());
  for (size_t i = 0; i < 100; ++i) {
    const auto lent = linux_->channel->TryLend(flat_.Id(), *buffer, 0, text.size(), kTag, i);
    ASSERT_TRUE(lent.ok() && *lent == LendResult::kLent);
    flat_.Poll();
    ASSERT_EQ(flat_.received.size(), i + 1);
    ASSERT_EQ(flat_.received.back().payload, text);
    linux_->channel->Poll(linux_->recorder);
    ASSERT_EQ(linux_->channel->LoanCount(*buffer), 0u);
  }
}

TEST_F(FlatEndpointTest, AMessageThatIsTooLongForTheBufferIsPassedOver) {
  flat_.Config().buffer_bytes = kMaxInlineBytes;
  flat_.endpoint.config = flat_.Config();
  SendFromLinux(Pattern(kMaxInlineBytes + 1, 1));
  SendFromLinux("short");
  ASSERT_EQ(flat_.received.size(), 1u);
  EXPECT_EQ(flat_.received[0].payload, "short");
  EXPECT_EQ(flat_.endpoint.too_long, 1u);
}

TEST_F(FlatEndpointTest, BetweenTheHalvesOfAHeaderThereIsNoMessage) {
  SendFromFlat("opens the link");
  const flat_out_lane& lane = flat_.endpoint.peers[0].out;
  // From the first message that is sent there, and over what were headers, payload and skips.
  for (size_t i = 0; i < 300; ++i) {
    PollBoth();
    linux_->recorder.messages.clear();
    Cell& next = LinkBetween(flat_.Id(), linux_->Id()).cells[lane.next.index];
    auto* low = reinterpret_cast<SharedU32*>(&next.header);
    low->store(1u << 24 | 8, std::memory_order_release);
    PollBoth();
    ASSERT_TRUE(linux_->recorder.messages.empty());
    ASSERT_TRUE(linux_->recorder.departed.empty()) << "it was taken for nonsense";
    ASSERT_NO_FATAL_FAILURE(SendFromFlat(Pattern(i * 29 % 200, i)));
    ASSERT_EQ(linux_->recorder.messages.size(), 1u);
    ASSERT_EQ(linux_->recorder.messages[0].payload, Pattern(i * 29 % 200, i));
  }
}

TEST_F(FlatEndpointTest, CreditsMayPassTheThirtySecondBit) {
  // The lane as it is just before: both sides there, as if that much had gone through.
  SendFromLinux("opens the link");
  Link& link = LinkBetween(linux_->Id(), flat_.Id());
  flat_in_lane& lane = flat_.endpoint.peers[0].in;
  const uint64_t begin = lane.position;
  lane.position = (uint64_t{1} << 32) - 1;
  flat_front front = {.payload = nullptr, .length = 0, .cells = 3, .kind = 1, .tag = 0};
  flat_lane_release(&lane, &front);
  EXPECT_TRUE(flat_lane_publish_credits(&lane));
  EXPECT_EQ(link.consumed_cells.load(std::memory_order_relaxed), (uint64_t{1} << 32) + 2);
  EXPECT_LT(begin, lane.position);
}

TEST_F(FlatEndpointTest, ASleepingPeerIsRung) {
  SendFromFlat("opens the link");
  PollBoth();
  ASSERT_TRUE(linux_->channel->PrepareToSleep());
  flat_.TakeDoorbell();
  ASSERT_EQ(flat_.Send(linux_->Id(), kTag, "wake up"), FLAT_OK);
  const uint64_t location =
      members_.SharedRegion().Endpoint(linux_->Id().index).location.load(std::memory_order_relaxed);
  EXPECT_EQ(flat_.TakeDoorbell(), DoorbellValue(LocationSlot(location), LocationVector(location)));
  linux_->channel->WakeUp();
  linux_->channel->Poll(linux_->recorder);
  EXPECT_EQ(linux_->recorder.messages.back().payload, "wake up");
}

TEST_F(FlatEndpointTest, AReceiverThatParkedUnseenIsToldByTheNextPoll) {
  SendFromFlat("opens the link");
  PollBoth();
  Link& link = LinkBetween(flat_.Id(), linux_->Id());
  link.parked.store(0, std::memory_order_relaxed);
  ASSERT_EQ(flat_.Send(linux_->Id(), kTag, "x"), FLAT_OK);
  // As if our look at `parked` had come before the header was out.
  ASSERT_TRUE(linux_->channel->PrepareToSleep() || true);
  link.parked.store(1, std::memory_order_relaxed);
  members_.SharedRegion().Line(linux_->Id().index).armed.store(1, std::memory_order_relaxed);
  flat_.TakeDoorbell();
  flat_.Poll();
  EXPECT_NE(flat_.TakeDoorbell(), 0u);
}

TEST_F(FlatEndpointTest, SleepsOnlyWhenNothingIsThereAndIsRung) {
  SendFromLinux("opens the link");
  ASSERT_TRUE(flat_prepare_to_sleep(&flat_.endpoint));
  const uint64_t rings = Count(linux_->Id(), &EndpointCounters::doorbells_sent);
  Claim claim;
  ASSERT_TRUE(linux_->channel->TryClaim(flat_.Id(), 1, claim));
  linux_->channel->Publish(claim, kTag, 1);
  EXPECT_EQ(Count(linux_->Id(), &EndpointCounters::doorbells_sent), rings + 1);
  EXPECT_FALSE(flat_prepare_to_sleep(&flat_.endpoint));
  flat_.Poll();
  EXPECT_EQ(flat_.received.size(), 2u);
  EXPECT_TRUE(flat_prepare_to_sleep(&flat_.endpoint));
  flat_wake_up(&flat_.endpoint);
  SendFromLinux("not rung");
  EXPECT_EQ(Count(linux_->Id(), &EndpointCounters::doorbells_sent), rings + 1);
}

TEST_F(FlatEndpointTest, DoesNotSleepWhenRoomHasComeThatItWaitedFor) {
  SendFromFlat("opens the link");
  PollBoth();
  while (flat_.Send(linux_->Id(), kTag, "x") == FLAT_OK) {
  }
  // Nobody rings who is not armed yet.
  PollBoth();
  EXPECT_FALSE(flat_prepare_to_sleep(&flat_.endpoint));
  EXPECT_EQ(flat_.Send(linux_->Id(), kTag, "x"), FLAT_OK);
  PollBoth();
  EXPECT_TRUE(flat_prepare_to_sleep(&flat_.endpoint));
}

TEST_F(FlatEndpointTest, ADepartureIsToldAndAcknowledgedAndTheLinkUsedAgain) {
  for (int i = 0; i < 2 * static_cast<int>(FLAT_MAX_PEERS); ++i) {
    SendFromFlat("hello");
    ASSERT_NO_FATAL_FAILURE(SendFromLinux("the last words"));
    const EndpointId dead = linux_->Id();
    members_.Kill(dead);
    flat_.Poll();
    ASSERT_EQ(flat_.departed.size(), static_cast<size_t>(i) + 1);
    ASSERT_EQ(flat_.departed.back().incarnation, dead.incarnation);
    ASSERT_EQ(
        members_.SharedRegion().Line(flat_.Id().index).acked_epoch.load(std::memory_order_relaxed),
        members_.Epoch());
    ASSERT_EQ(flat_.Send(dead, kTag, "too late"), FLAT_NOT_ALIVE);
    linux_.reset();
    members_.Recycle(dead);
    linux_.emplace(members_, "next");
  }
}

TEST_F(FlatEndpointTest, APeerWhoseHeaderMakesNoSenseIsDropped) {
  SendFromLinux("opens the link");
  LinkBetween(linux_->Id(), flat_.Id())
      .cells[1]
      .header.store(~uint64_t{0} >> 1, std::memory_order_relaxed);
  flat_.Poll();
  EXPECT_EQ(flat_.departed.size(), 1u);
  EXPECT_EQ(Count(flat_.Id(), &EndpointCounters::bad_headers), 1u);
  EXPECT_EQ(flat_.Send(linux_->Id(), kTag, "x"), FLAT_DROPPED);
}

TEST_F(FlatEndpointTest, ADescriptorThatLeadsOutOfTheRegionIsRefused) {
  SendFromLinux("opens the link");
  Link& link = LinkBetween(linux_->Id(), flat_.Id());
  // In the last extent: the chunk would end behind the region.
  const uint64_t region_bytes = members_.SharedRegion().Limits().region_bytes;
  const BulkDescriptor descriptor{.offset = region_bytes - kExtentBytes + kBulkChunkSkewBytes,
                                  .length_bytes = 8};
  memcpy(link.cells[1].payload, &descriptor, sizeof(descriptor));
  link.cells[1].header.store(
      Pack({.length = sizeof(descriptor), .cells = 1, .kind = CellKind::kBulk, .lap = 1}),
      std::memory_order_release);
  flat_.Poll();
  EXPECT_EQ(Count(flat_.Id(), &EndpointCounters::bad_descriptors), 1u);
}

TEST_F(FlatEndpointTest, CreditsThatMakeNoSenseDropTheReceiver) {
  SendFromFlat("opens the link");
  LinkBetween(flat_.Id(), linux_->Id()).consumed_cells.store(1000, std::memory_order_relaxed);
  flat_status status = FLAT_OK;
  for (int i = 0; i < 100 && status == FLAT_OK; ++i) status = flat_.Send(linux_->Id(), kTag, "x");
  EXPECT_EQ(status, FLAT_DROPPED);
  EXPECT_EQ(Count(flat_.Id(), &EndpointCounters::bad_credits), 1u);
}

// Words of everything that it reads, changed in all ways between any two of its polls.
TEST_F(FlatEndpointTest, WhateverOthersWriteItStaysWithinTheRegionAndComesBack) {
  SendFromFlat("opens one link");
  SendFromLinux("and the other");
  const Region& region = members_.SharedRegion();
  const uint32_t self = flat_.Id().index;
  const uint32_t peer = linux_->Id().index;
  const std::vector<std::span<SharedU64>> targets = {
      Words(&LinkBetween(linux_->Id(), flat_.Id()), sizeof(Link)),
      Words(&LinkBetween(flat_.Id(), linux_->Id()), sizeof(Link)),
      Words(&region.Endpoint(peer), sizeof(EndpointRecord)),
      Words(&region.Line(peer), sizeof(EndpointLine)),
      Words(&region.Endpoint(self), sizeof(EndpointRecord)),
      Words(&region.Line(self), sizeof(EndpointLine)),
      Words(&region.MembershipEpoch(), 2 * sizeof(uint64_t)),
      Words(&region.EndpointHighWater(), sizeof(uint64_t)),
      region.ExtentMap().first(32),
      Words(region.Extent(0), 2 * kExtentBytes),
  };
  std::mt19937_64 random(4711);
  for (int i = 0; i < 50'000; ++i) {
    const std::span<SharedU64> target = targets[random() % targets.size()];
    SharedU64& word = target[random() % target.size()];
    const uint64_t old = word.load(std::memory_order_relaxed);
    const uint64_t values[] = {random(), random() % 70, old ^ uint64_t{1} << random() % 64, ~old};
    word.store(values[random() % std::size(values)], std::memory_order_relaxed);
    flat_.Poll();
    flat_.Send(linux_->Id(), kTag, "x");
    // Mostly as it was, so that it comes further than to the first check.
    if (i % 4 != 0) word.store(old, std::memory_order_relaxed);
  }
}

TEST_F(FlatEndpointTest, TwoThreadsExchangeMessagesAndSleep) {
  constexpr int kMessages = 3000;
  std::thread firmware([&] {
    size_t answered = 0;
    while (answered < kMessages) {
      flat_.Poll();
      while (answered < flat_.received.size()) {
        const FlatReceived& message = flat_.received[answered];
        if (flat_.Send(linux_->Id(), message.tag, message.payload) != FLAT_OK) break;
        ++answered;
      }
      // There is no timer here, and no interrupt: it looks again at once.
      if (flat_prepare_to_sleep(&flat_.endpoint)) flat_wake_up(&flat_.endpoint);
      std::this_thread::yield();
    }
  });
  ASSERT_TRUE(linux_->channel->Open(flat_.Id()).ok());
  int sent = 0;
  while (linux_->recorder.messages.size() < kMessages) {
    const std::string text = Pattern(static_cast<size_t>(sent) * 37 % kMaxInlineBytes, 1);
    Claim claim;
    if (sent < kMessages && linux_->channel->TryClaim(flat_.Id(), text.size(), claim)) {
      memcpy(claim.payload.data(), text.data(), text.size());
      linux_->channel->Publish(claim, kTag, text.size());
      ++sent;
      linux_->channel->Poll(linux_->recorder);
    } else {
      linux_->channel->Wait(linux_->recorder, kNsPerMs);
    }
  }
  firmware.join();
  for (size_t i = 0; i < kMessages; ++i) {
    ASSERT_EQ(linux_->recorder.messages[i].payload, Pattern(i * 37 % kMaxInlineBytes, 1)) << i;
  }
}

TEST(FlatInterruptTest, WhoSleepsWithoutATimerIsAlwaysWoken) {
  constexpr size_t kMessages = 2000;
  SimulatedMembers members;
  InterruptedMachine machine(members);
  Member linux(members, "linux");
  int lost = 0;
  std::thread firmware([&] { lost = machine.Answer(linux.Id(), kTag, kMessages); });
  ASSERT_TRUE(linux.channel->Open(machine.Id()).ok());
  for (size_t i = 0; i < kMessages; ++i) {
    Claim claim;
    while (!linux.channel->TryClaim(machine.Id(), sizeof(i), claim)) {
      linux.channel->Wait(linux.recorder, kNsPerSecond);
    }
    memcpy(claim.payload.data(), &i, sizeof(i));
    linux.channel->Publish(claim, kTag, sizeof(i));
    while (linux.recorder.messages.size() <= i) linux.channel->Wait(linux.recorder, kNsPerSecond);
  }
  firmware.join();
  EXPECT_EQ(lost, 0);
}

TEST(FlatJoinTest, SaysWhatIsMissing) {
  SimulatedMembers members;
  FlatMember flat(members, "flat");
  EXPECT_EQ(flat.Join(), FLAT_NO_MEMORY);
  flat.ClaimMemory();
  flat.Config().memory_bytes /= 2;
  EXPECT_EQ(flat.Join(), FLAT_NO_REGION);
  flat.Config().memory_bytes *= 2;
  flat.Config().name = "other";
  EXPECT_EQ(flat.Join(), FLAT_NO_ENDPOINT);
  flat.Config().name = "flat";
  flat.Config().registers = nullptr;
  flat.Config().slot = 1;
  EXPECT_EQ(flat.Join(), FLAT_NO_ENDPOINT);
  flat.Config().slot = 0;
  EXPECT_EQ(flat.Join(), FLAT_OK);
  EXPECT_EQ(flat.endpoint.id.incarnation, flat.Id().incarnation);
}

TEST(FlatJoinTest, AMachineThatWasResetIsRefused) {
  SimulatedMembers members;
  FlatMember flat(members, "flat");
  flat.ClaimMemory();
  ASSERT_EQ(flat.Join(), FLAT_OK);
  EXPECT_EQ(flat.Join(), FLAT_USED_BEFORE);
}

TEST(FlatJoinTest, AHeaderThatSaysSomethingElseIsNoRegion) {
  SimulatedMembers members;
  FlatMember flat(members, "flat");
  flat.ClaimMemory();
  auto* words = static_cast<SharedU32*>(flat.Config().memory);
  for (size_t word = 0; word < 38; ++word) {
    const bool is_compared =
        word < 6 || (word >= 10 && word < 14) || (word >= 16 && word < 32) || word >= 36;
    if (!is_compared) continue;
    const uint32_t truth = words[word].exchange(12345, std::memory_order_relaxed);
    EXPECT_EQ(flat.Join(), FLAT_NO_REGION) << "word " << word;
    words[word].store(truth, std::memory_order_relaxed);
  }
  EXPECT_EQ(flat.Join(), FLAT_OK);
}

TEST(FlatJoinTest, MorePeersThanLinksAreRefused) {
  SimulatedMembers members;
  FlatMember flat(members, "flat");
  flat.ClaimMemory(1);
  ASSERT_EQ(flat.Join(), FLAT_OK);
  const EndpointId first = members.Add("first");
  const EndpointId second = members.Add("second");
  EXPECT_EQ(flat.Send(first, kTag, "x"), FLAT_AGAIN);
  EXPECT_EQ(flat.Send(second, kTag, "x"), FLAT_TOO_MANY);
  EXPECT_EQ(flat.Send(flat.Id(), kTag, "x"), FLAT_NOT_ALIVE);
  EXPECT_EQ(flat.Send(first, kTag, std::string(kMaxInlineBytes + 1, 'x')), FLAT_TOO_LARGE);
}

}  // namespace
}  // namespace tombolo
