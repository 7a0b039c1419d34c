// How a channel waits: parking, arming, doorbells, credits.
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "tests/transport/channel/channel_members.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/layout/counters.h"
#include "transport/layout/link.h"
#include "transport/layout/member_table.h"
#include "transport/wait/waiter.h"

namespace tombolo {
namespace {

constexpr int64_t kLongSleepNs = 10 * kNsPerSecond;

TEST(ChannelSleepTest, ABatchIsAnnouncedOnceByItsLastMessage) {
  SimulatedMembers members;
  Member a(members, "a"), b(members, "b");
  ASSERT_TRUE(a.channel->Open(b.Id()).ok());
  b.channel->Poll(b.recorder);
  ASSERT_TRUE(b.channel->PrepareToSleep());
  Claim claim;
  for (int i = 0; i < 9; ++i) {
    ASSERT_TRUE(a.channel->TryClaim(b.Id(), 1, claim));
    a.channel->Publish(claim, 1, 1, i < 8 ? More::kMoreFollows : More::kNo);
  }
  EXPECT_EQ(
      members.SharedRegion().Counters(a.Id().index).doorbells_sent.load(std::memory_order_relaxed),
      1u);
  b.channel->WakeUp();
  EXPECT_EQ(b.channel->Poll(b.recorder), 9u);
}

// What is abandoned while the receiver goes to sleep is announced by nobody: the sender looked at
// `parked` before, the receiver at the header after.
TEST(ChannelSleepTest, CreditsOfASkipThatIsPassedOverWhileParkingComeBack) {
  constexpr size_t kTenCells = 10 * kCellBytes - kCellHeaderBytes;
  SimulatedMembers members;
  Member a(members, "a"), b(members, "b");
  ASSERT_TRUE(a.Send(b, 1, Pattern(kTenCells, 1)));
  while (b.channel->Poll(b.recorder) != 0) {
  }
  Claim claim;
  ASSERT_TRUE(a.channel->TryClaim(b.Id(), kMaxInlineBytes, claim));
  a.channel->Abandon(claim);
  ASSERT_TRUE(b.channel->PrepareToSleep());
  // 10 + 30 of 61 cells are behind us: another 30 need those of the skip.
  EXPECT_TRUE(a.channel->TryClaim(b.Id(), kMaxInlineBytes, claim));
}

TEST(ChannelSleepTest, WaitDeliversWhatComesWhileItLooksAndWhileItSleeps) {
  SimulatedMembers members;
  Member a(members, "a"), b(members, "b");
  ASSERT_TRUE(a.Send(b, 1, "before"));
  EXPECT_EQ(b.channel->Wait(b.recorder, kLongSleepNs), 1u);
  std::thread sender([&] { ASSERT_TRUE(a.Send(b, 1, "meanwhile")); });
  while (b.recorder.messages.size() < 2) b.channel->Wait(b.recorder, kLongSleepNs);
  sender.join();
  EXPECT_EQ(b.recorder.messages[1].payload, "meanwhile");
  EXPECT_EQ(b.channel->Wait(b.recorder, 0), 0u);
}

TEST(ChannelSleepTest, AStormOfDoorbellsIsCountedAndMessagesStillCome) {
  SimulatedMembers members;
  Member a(members, "a"), b(members, "b");
  b.channel->Poll(b.recorder);
  const EndpointCounters& counters = members.SharedRegion().Counters(b.Id().index);
  const uint64_t location =
      members.SharedRegion().Endpoint(b.Id().index).location.load(std::memory_order_relaxed);
  while (counters.storms.load(std::memory_order_relaxed) == 0) {
    a.endpoint->Doorbells().Ring(LocationSlot(location), LocationVector(location));
    b.channel->Sleep(kLongSleepNs);
    b.channel->Poll(b.recorder);
  }
  EXPECT_GE(counters.vain_wakeups.load(std::memory_order_relaxed), Waiter::kStormRings);
  EXPECT_EQ(b.channel->MaxSleepNs(), kNsPerMs) << "the timer goes on";
  ASSERT_TRUE(a.Send(b, 1, "x"));
  while (b.recorder.messages.empty()) {
    b.channel->Sleep(kLongSleepNs);
    b.channel->Poll(b.recorder);
  }
}

// Its vector may be shared: what rings in vain in between is meant for others.
TEST(ChannelSleepTest, ALenderWhoseLoansComeBackIsNotMadeDeaf) {
  SimulatedMembers members;
  Member lender(members, "lender"), borrower(members, "borrower");
  const auto buffer = lender.channel->Allocate(4096);
  ASSERT_TRUE(buffer.ok() && lender.channel->Open(borrower.Id()).ok());
  const EndpointCounters& counters = members.SharedRegion().Counters(lender.Id().index);
  const uint64_t location =
      members.SharedRegion().Endpoint(lender.Id().index).location.load(std::memory_order_relaxed);
  for (int round = 0; round < 3; ++round) {
    for (uint32_t i = 1; i < Waiter::kStormRings; ++i) {
      borrower.endpoint->Doorbells().Ring(LocationSlot(location), LocationVector(location));
      lender.channel->Sleep(kLongSleepNs);
      lender.channel->Poll(lender.recorder);
    }
    ASSERT_TRUE(lender.channel->TryLend(borrower.Id(), *buffer, 0, 100, 1, 0).ok());
    ASSERT_EQ(borrower.channel->Poll(borrower.recorder), 1u);
    lender.channel->Poll(lender.recorder);
    ASSERT_EQ(lender.channel->LoanCount(*buffer), 0u);
  }
  EXPECT_GE(counters.vain_wakeups.load(std::memory_order_relaxed), Waiter::kStormRings);
  EXPECT_EQ(counters.storms.load(std::memory_order_relaxed), 0u);
}

TEST(ChannelSleepTest, SleepersAreWokenAndNothingIsLost) {
  SimulatedMembers members;
  Member a(members, "a"), b(members, "b");
  constexpr int kRounds = 3000;
  std::thread echo([&] {
    size_t done = 0;
    while (done < kRounds) {
      b.channel->Sleep(kLongSleepNs);
      b.channel->Poll(b.recorder);
      for (; done < b.recorder.messages.size(); ++done) {
        ASSERT_TRUE(b.Send(a, 2, b.recorder.messages[done].payload));
      }
    }
  });
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_TRUE(a.Send(b, 1, Pattern(static_cast<size_t>(round % 300), 5)));
    while (a.recorder.messages.size() <= static_cast<size_t>(round)) {
      a.channel->Sleep(kLongSleepNs);
      a.channel->Poll(a.recorder);
    }
    ASSERT_EQ(a.recorder.messages.back().payload, Pattern(static_cast<size_t>(round % 300), 5));
  }
  echo.join();
}

TEST(ChannelSleepTest, ASenderWithoutCreditsSleepsUntilTheyComeBack) {
  SimulatedMembers members;
  Member a(members, "a"), b(members, "b");
  constexpr uint64_t kMessages = 20000;
  std::thread receiver([&] {
    while (b.recorder.messages.size() < kMessages) {
      b.channel->Sleep(kLongSleepNs);
      b.channel->Poll(b.recorder);
    }
  });
  for (uint64_t i = 0; i < kMessages; ++i) {
    const std::string text = Pattern(i % 5 == 0 ? 9000 : i % 400, i);
    while (!a.Send(b, 1, text)) {
      a.channel->Sleep(kLongSleepNs);
      a.channel->Poll(a.recorder);
    }
  }
  receiver.join();
  for (uint64_t i = 0; i < kMessages; i += 97) {
    ASSERT_EQ(b.recorder.messages[i].payload, Pattern(i % 5 == 0 ? 9000 : i % 400, i));
  }
}

}  // namespace
}  // namespace tombolo
