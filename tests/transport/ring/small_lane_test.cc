// One message after the other: the bytes of a lane, room and credits, the end of a lap.
#include "transport/ring/small_lane.h"

#include <cstring>
#include <string>

#include "gtest/gtest.h"
#include "tests/transport/ring/lane_fixture.h"
#include "transport/layout/link.h"

namespace tombolo {
namespace {

class SmallLaneTest : public LaneTest {};

TEST_F(SmallLaneTest, ZeroedMemoryIsAnEmptyLane) { EXPECT_EQ(Front(), "(empty)"); }

TEST_F(SmallLaneTest, AMessageIsAHeaderAndThenItsBytes) {
  const SmallClaim claim = Claim(5);
  memcpy(claim.payload, "hello", 5);
  SmallLaneProducer::Publish(claim, CellKind::kInline, 7, 5);
  EXPECT_EQ(RawHeader(0), 0x0001'07'01'01'000005u);  // lap, tag, kind, cells, length
  EXPECT_EQ(memcmp(&link_.cells[0].payload, "hello", 5), 0);
}

TEST_F(SmallLaneTest, AHandWrittenMessageIsDelivered) {
  memcpy(&link_.cells[0].payload, "by hand", 7);
  SetHeader(0, {.length = 7, .cells = 1, .kind = CellKind::kInline, .tag = 3, .lap = 1});
  SmallMessage message;
  ASSERT_EQ(consumer_.Front(message), FrontResult::kMessage);
  EXPECT_EQ(message.kind, CellKind::kInline);
  EXPECT_EQ(message.tag, 3);
  EXPECT_EQ(message.payload.data(), link_.cells[0].payload);
  EXPECT_EQ(message.payload.size(), 7u);
}

TEST_F(SmallLaneTest, NothingIsVisibleBeforePublish) {
  const SmallClaim claim = Claim(3);
  memcpy(claim.payload, "abc", 3);
  EXPECT_EQ(Front(), "(empty)");
  Publish(claim, "abc");
  EXPECT_EQ(Front(), "abc");
}

TEST_F(SmallLaneTest, FrontStaysUntilRelease) {
  Send("first");
  Send("second");
  EXPECT_EQ(Front(), "first");
  EXPECT_EQ(Receive(), "first");
  EXPECT_EQ(Front(), "second");
}

TEST_F(SmallLaneTest, ReleaseWithoutAFrontMessageChangesNothing) {
  consumer_.Release();
  Send("still first");
  EXPECT_EQ(Receive(), "still first");
}

TEST_F(SmallLaneTest, AMessageMayHaveNoBytes) {
  Send("");
  EXPECT_EQ(Receive(), "");
  EXPECT_EQ(Front(), "(empty)");
}

TEST_F(SmallLaneTest, AMessageMayBeShorterThanItsClaim) {
  const SmallClaim claim = Claim(500);
  Publish(claim, "short");
  Send("next");
  EXPECT_EQ(Receive(), "short");
  EXPECT_EQ(Receive(), "next");
}

TEST_F(SmallLaneTest, EveryPayloadSizeFillsAsManyCellsAsItNeeds) {
  EXPECT_EQ(CellsFor(0), 1u);
  EXPECT_EQ(CellsFor(56), 1u);
  EXPECT_EQ(CellsFor(57), 2u);
  EXPECT_EQ(CellsFor(kMaxInlineBytes), kMaxMessageCells);
}

TEST_F(SmallLaneTest, MoreThanTheLargestMessageIsRefused) {
  for (const size_t too_large : {kMaxInlineBytes + 1, size_t{1} << 38, SIZE_MAX - 70, SIZE_MAX}) {
    EXPECT_FALSE(CanClaim(too_large)) << too_large;
    EXPECT_FALSE(producer_.HasRoom(too_large)) << too_large;
  }
  EXPECT_FALSE(producer_.Poisoned());
}

// The claim clears the header of the cell behind its own, so one cell is always free.
TEST_F(SmallLaneTest, ClaimFailsWhenAllCellsButOneAreUnread) {
  for (uint32_t i = 0; i < kLinkCells - 1; ++i) Send("x");
  EXPECT_FALSE(CanClaim(1));
  EXPECT_EQ(RawHeader(kLinkCells - 1), 0u);
  EXPECT_FALSE(producer_.Poisoned());
}

TEST_F(SmallLaneTest, ARefusedClaimTouchesNoUnreadMessage) {
  for (uint32_t i = 0; i < kLinkCells - 1; ++i) Send(std::to_string(i));
  EXPECT_FALSE(CanClaim(1));
  EXPECT_FALSE(CanClaim(kMaxInlineBytes));
  for (uint32_t i = 0; i < kLinkCells - 1; ++i) ASSERT_EQ(Receive(), std::to_string(i));
}

TEST_F(SmallLaneTest, AHeaderThatWasNoMessageIsAsSeenUntilThereIsOne) {
  for (uint32_t i = 0; i < 2 * kLinkCells; ++i) {
    ASSERT_EQ(Front(), "(empty)");
    ASSERT_TRUE(consumer_.IsAsSeen());
    Send("x");
    ASSERT_FALSE(consumer_.IsAsSeen());
    ASSERT_EQ(Receive(), "x");
    consumer_.PublishCredits();
  }
}

TEST_F(SmallLaneTest, AQuickClaimLooksForNoCredits) {
  SmallClaim claim;
  EXPECT_FALSE(producer_.TryClaimQuickly(1, claim));  // Nothing was looked for yet.
  for (uint32_t i = 0; i < kLinkCells - 1; ++i) Send("x");
  for (uint32_t i = 0; i < kLinkCells - 1; ++i) Receive();
  consumer_.PublishCredits();
  EXPECT_FALSE(producer_.TryClaimQuickly(1, claim));
  Send("y");                                          // The last of the lap.
  EXPECT_FALSE(producer_.TryClaimQuickly(1, claim));  // Nor is another lap begun.
  Send("z");
  EXPECT_TRUE(producer_.TryClaimQuickly(1, claim));
  EXPECT_FALSE(producer_.TryClaimQuickly(kMaxInlineBytes + 1, claim));
}

TEST_F(SmallLaneTest, CreditsComeBackLazily) {
  for (uint32_t i = 0; i < kLinkCells - 1; ++i) Send("x");
  for (int i = 0; i < 15; ++i) Receive();
  EXPECT_FALSE(consumer_.CreditsDue());
  EXPECT_TRUE(consumer_.HasUnpublishedCredits());
  EXPECT_EQ(link_.consumed_cells.load(std::memory_order_relaxed), 0u);
  EXPECT_FALSE(CanClaim(1));
  Receive();
  EXPECT_TRUE(consumer_.CreditsDue());
  consumer_.PublishCredits();
  EXPECT_EQ(link_.consumed_cells.load(std::memory_order_relaxed), 16u);
  EXPECT_FALSE(consumer_.HasUnpublishedCredits());
  EXPECT_TRUE(CanClaim(1));
}

TEST_F(SmallLaneTest, HasRoomLooksAtFreshCredits) {
  for (uint32_t i = 0; i < kLinkCells - 1; ++i) Send("x");
  EXPECT_FALSE(producer_.HasRoom(1));
  Receive();
  EXPECT_FALSE(producer_.HasRoom(1));
  consumer_.PublishCredits();
  EXPECT_TRUE(producer_.HasRoom(1));
  EXPECT_FALSE(producer_.HasRoom(57));
}

TEST_F(SmallLaneTest, TheLargestMessageFitsIntoAnEmptyLaneAtEveryPosition) {
  for (uint32_t lap = 0; lap < 2; ++lap) {
    for (uint32_t i = 0; i < kLinkCells; ++i) {
      Pass(1);
      Pass(kMaxMessageCells);
    }
  }
}

TEST_F(SmallLaneTest, AMessageNeverWrapsButSkipsTheRestOfTheLap) {
  Pass(30);
  Pass(28);  // 3 cells are left.
  Send(std::string(PayloadOf(4), 'w'));
  const CellHeader skip = Header(58);
  EXPECT_EQ(skip.kind, CellKind::kSkip);
  EXPECT_EQ(skip.cells, 3);
  EXPECT_EQ(skip.lap, 1);
  EXPECT_EQ(Header(0).lap, 2);
  EXPECT_EQ(Receive(), std::string(PayloadOf(4), 'w'));
}

TEST_F(SmallLaneTest, AMessageMayFillALapToItsLastCell) {
  Pass(30);
  Pass(28);
  Send(std::string(PayloadOf(3), 'e'));
  EXPECT_EQ(Header(58).kind, CellKind::kInline);
  EXPECT_EQ(Header(0).lap, 1);  // Nothing of the new lap yet.
  EXPECT_EQ(Receive(), std::string(PayloadOf(3), 'e'));
  Send("next lap");
  EXPECT_EQ(Header(0).lap, 2);
  EXPECT_EQ(Receive(), "next lap");
}

// The skip and the message are claimed together or not at all.
TEST_F(SmallLaneTest, WithoutRoomForTheMessageThereIsNoSkip) {
  Pass(30);
  Pass(28);
  Send("unread");  // At 58; 2 cells are left.
  EXPECT_TRUE(CanClaim(PayloadOf(30)));
  EXPECT_FALSE(CanClaim(PayloadOf(30)));
  EXPECT_EQ(Receive(), "unread");
}

TEST_F(SmallLaneTest, ASkipThatDoesNotFitIsNotPublished) {
  for (uint32_t i = 0; i < 58; ++i) Send("x");  // 3 cells are left, and no credits came back.
  EXPECT_FALSE(CanClaim(PayloadOf(4)));
  EXPECT_EQ(RawHeader(58), 0u);
}

// Its line stays in the receiver's cache until there is a message.
TEST_F(SmallLaneTest, AHeaderStaysUntilTheNextLapsMessageIsStored) {
  for (uint32_t i = 0; i < kLinkCells; ++i) Pass(1);
  const SmallClaim claim = Claim(1);
  EXPECT_EQ(Header(0).lap, 1);
  EXPECT_EQ(Header(1).lap, 1);
  EXPECT_EQ(Front(), "(empty)");
  Publish(claim, "x");
  EXPECT_EQ(Header(0).lap, 2);
  EXPECT_EQ(Receive(), "x");
  EXPECT_EQ(Front(), "(empty)");
}

// A header below a skip would be two laps old when it is looked at, and once in 65,535 laps of the
// right lap again.
TEST_F(SmallLaneTest, WhatASkipPassedOverIsCleared) {
  for (uint32_t i = 0; i < kLinkCells; ++i) Pass(1);
  Pass(30);
  Pass(28);  // 3 cells are left.
  Pass(30);
  Pass(28);
  Pass(1);  // At 58, where the skip began.
  EXPECT_EQ(RawHeader(59), 0u);
  Pass(1);
  EXPECT_EQ(RawHeader(60), 0u);
}

// 65,536 laps: the counter comes round, and 0 is never a lap, or zeroed headers would be one's.
TEST_F(SmallLaneTest, LapsGoOnAfterTheCounterWraps) {
  for (uint32_t lap = 0; lap < 65534; ++lap) {
    for (uint32_t cells : {30u, 30u, 1u}) Pass(cells);
    ASSERT_FALSE(HasFatalFailure()) << "lap " << lap;
  }
  Send("last");
  EXPECT_EQ(Header(0).lap, UINT16_MAX);
  EXPECT_EQ(Receive(), "last");
  Pass(30);
  Pass(30);
  Send("first");
  EXPECT_EQ(Header(0).lap, 1);
  EXPECT_EQ(Receive(), "first");
}

}  // namespace
}  // namespace tombolo
