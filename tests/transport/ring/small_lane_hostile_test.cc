// Peers that lie: each nonsense stops this lane and does nothing else.
#include <string>

#include "gtest/gtest.h"
#include "tests/transport/ring/lane_fixture.h"
#include "transport/layout/link.h"
#include "transport/ring/small_lane.h"

namespace tombolo {
namespace {

struct BadHeader {
  const char* name;
  CellHeader header;
};

void PrintTo(const BadHeader& bad, std::ostream* out) { *out << bad.name; }

constexpr CellHeader kGood{.length = 56, .cells = 1, .kind = CellKind::kInline, .lap = 1};

constexpr CellHeader With(CellHeader header, auto change) {
  change(header);
  return header;
}

#define WITH(statement) With(kGood, [](CellHeader& h) { statement; })

const BadHeader kBadHeaders[] = {
    {"LapZero", WITH(h.lap = 0)},
    {"LapAhead", WITH(h.lap = 2)},
    {"LapFarAhead", WITH(h.lap = UINT16_MAX)},
    {"NoCells", WITH(h.cells = 0)},
    {"MoreCellsThanAMessageHas", WITH(h.cells = kMaxMessageCells + 1)},
    {"MoreCellsThanTheLane", WITH(h.cells = kLinkCells + 1)},
    {"AllCells", WITH(h.cells = 255)},
    {"OneByteMoreThanItsCells", WITH(h.length = 57)},
    {"LongestLength", WITH(h.length = 0xffffff)},
    {"NoKind", WITH(h.kind = CellKind{0})},
    {"UnknownKind", WITH(h.kind = CellKind{5})},
    {"HighestKind", WITH(h.kind = CellKind{255})},
    {"BulkOfTwoCells", WITH((h.kind = CellKind::kBulk, h.cells = 2, h.length = 16))},
    {"BulkWithoutADescriptor", WITH((h.kind = CellKind::kBulk, h.length = 15))},
    {"BulkWithMoreThanADescriptor", WITH((h.kind = CellKind::kBulk, h.length = 17))},
    {"BulkSkipWithoutADescriptor", WITH((h.kind = CellKind::kBulkSkip, h.length = 0))},
    {"SkipOfNoCells", WITH((h.kind = CellKind::kSkip, h.cells = 0))},
    {"SkipBeyondTheLap", WITH((h.kind = CellKind::kSkip, h.cells = kLinkCells + 1))},
};

class SmallLaneBadHeaderTest : public LaneTest, public testing::WithParamInterface<BadHeader> {};

TEST_P(SmallLaneBadHeaderTest, PoisonsTheLane) {
  SetHeader(0, GetParam().header);
  EXPECT_EQ(Front(), "(poisoned)");
}

TEST_P(SmallLaneBadHeaderTest, NothingIsDeliveredAfterwards) {
  SetHeader(0, GetParam().header);
  EXPECT_EQ(Front(), "(poisoned)");
  SetHeader(0, kGood);
  consumer_.Release();
  EXPECT_EQ(Front(), "(poisoned)");
}

INSTANTIATE_TEST_SUITE_P(All, SmallLaneBadHeaderTest, testing::ValuesIn(kBadHeaders),
                         [](const auto& info) { return info.param.name; });

class SmallLaneHostileTest : public LaneTest {};

// The table above says what is wrong; this says that nothing else is.
TEST_F(SmallLaneHostileTest, TheHeaderThatTheBadOnesAreMadeFromIsGood) {
  SetHeader(0, kGood);
  EXPECT_EQ(Front().size(), 56u);
}

TEST_F(SmallLaneHostileTest, BulkDescriptorsOfTheRightSizeAreDelivered) {
  for (const CellKind kind : {CellKind::kBulk, CellKind::kBulkSkip}) {
    SmallLaneProducer::Publish(Claim(sizeof(BulkDescriptor)), kind, 0, sizeof(BulkDescriptor));
    SmallMessage message;
    ASSERT_EQ(consumer_.Front(message), FrontResult::kMessage);
    EXPECT_EQ(message.kind, kind);
    EXPECT_EQ(message.payload.size(), sizeof(BulkDescriptor));
    consumer_.Release();
  }
}

TEST_F(SmallLaneHostileTest, AMessageBeyondTheEndOfTheLapPoisons) {
  Pass(30);
  Pass(30);  // One cell is left.
  SetHeader(60, {.length = 57, .cells = 2, .kind = CellKind::kInline, .lap = 1});
  EXPECT_EQ(Front(), "(poisoned)");
}

TEST_F(SmallLaneHostileTest, ASkipBeyondTheEndOfTheLapPoisons) {
  Pass(30);
  Pass(30);
  SetHeader(60, {.cells = 2, .kind = CellKind::kSkip, .lap = 1});
  EXPECT_EQ(Front(), "(poisoned)");
}

TEST_F(SmallLaneHostileTest, MessagesBeforeTheBadHeaderAreDelivered) {
  Send("good");
  SetHeader(1, {.length = 9, .cells = 99, .kind = CellKind::kInline, .lap = 1});
  EXPECT_EQ(Receive(), "good");
  EXPECT_EQ(Front(), "(poisoned)");
}

// The header is read once per look: what was checked is what is used.
TEST_F(SmallLaneHostileTest, AHeaderThatChangesAfterTheLookChangesNothing) {
  Send("first");
  Send("second");
  EXPECT_EQ(Front(), "first");
  SetHeader(0, {.length = 1000, .cells = 61, .kind = CellKind::kSkip, .lap = 1});
  consumer_.Release();
  EXPECT_EQ(Receive(), "second");
}

// A peer that writes skips as fast as we read them must not keep Front() for ever.
TEST_F(SmallLaneHostileTest, OneLookPassesABoundedNumberOfSkips) {
  for (uint32_t i = 0; i < kLinkCells; ++i) {
    SetHeader(i, {.cells = 1, .kind = CellKind::kSkip, .lap = 1});
  }
  EXPECT_EQ(Front(), "(empty)");
}

TEST_F(SmallLaneHostileTest, AHeaderOfTheLapBeforeIsNothingAndAnOlderOnePoisons) {
  for (int i = 0; i < 2; ++i) {
    for (const uint32_t cells : {30u, 30u, 1u}) Pass(cells);
  }
  SetHeader(0, {.length = 8, .cells = 1, .kind = CellKind::kInline, .lap = 2});
  EXPECT_EQ(Front(), "(empty)");
  SetHeader(0, {.length = 8, .cells = 1, .kind = CellKind::kInline, .lap = 1});
  EXPECT_EQ(Front(), "(poisoned)");
}

TEST_F(SmallLaneHostileTest, CreditsForCellsThatWereNeverSentPoison) {
  for (uint32_t i = 0; i < kLinkCells - 1; ++i) Send("x");
  link_.consumed_cells.store(kLinkCells, std::memory_order_relaxed);
  EXPECT_FALSE(CanClaim(1));
  EXPECT_TRUE(producer_.Poisoned());
}

// A receiver of 32 bits passes through smaller values when the low half wraps.
TEST_F(SmallLaneHostileTest, CreditsThatGoBackAreNothingNew) {
  for (int i = 0; i < 3; ++i) Pass(30);
  EXPECT_TRUE(CanClaim(PayloadOf(20)));  // The lane is short of room and has to look at credits.
  const uint64_t consumed = link_.consumed_cells.load(std::memory_order_relaxed);
  link_.consumed_cells.store(1, std::memory_order_relaxed);
  EXPECT_FALSE(CanClaim(PayloadOf(30)));
  EXPECT_FALSE(producer_.Poisoned());
  link_.consumed_cells.store(consumed + 20, std::memory_order_relaxed);
  EXPECT_TRUE(CanClaim(PayloadOf(30)));
}

TEST_F(SmallLaneHostileTest, CreditsBeyondAllBoundsPoison) {
  link_.consumed_cells.store(UINT64_MAX, std::memory_order_relaxed);
  EXPECT_FALSE(producer_.HasRoom(1));
  EXPECT_TRUE(producer_.Poisoned());
}

TEST_F(SmallLaneHostileTest, APoisonedProducerStaysPoisoned) {
  link_.consumed_cells.store(UINT64_MAX, std::memory_order_relaxed);
  EXPECT_FALSE(producer_.HasRoom(1));
  link_.consumed_cells.store(0, std::memory_order_relaxed);
  EXPECT_FALSE(producer_.HasRoom(1));
  EXPECT_FALSE(CanClaim(1));
}

TEST_F(SmallLaneHostileTest, WhatTheReceiverWritesOverCellsIsNeverRead) {
  const SmallClaim claim = Claim(8);
  for (Cell& cell : link_.cells) cell.header.store(~uint64_t{0}, std::memory_order_relaxed);
  Publish(claim, "intact");
  EXPECT_EQ(Receive(), "intact");
}

}  // namespace
}  // namespace tombolo
