// Several open claims: published in any order, given up, delivered in the order of the claims.
#include <cstring>
#include <string>

#include "gtest/gtest.h"
#include "tests/transport/ring/lane_fixture.h"
#include "transport/layout/link.h"
#include "transport/ring/small_lane.h"

namespace tombolo {
namespace {

class SmallLaneOrderTest : public LaneTest {
 protected:
  // Payload that looks like a header of this lap and of the next.
  void FillWithFakeHeaders(const SmallClaim& claim, size_t bytes, uint16_t lap) {
    const uint64_t fake =
        Pack(CellHeader{.length = 1, .cells = 1, .kind = CellKind::kInline, .tag = 9, .lap = lap});
    for (size_t at = 0; at + sizeof(fake) <= bytes; at += sizeof(fake)) {
      memcpy(claim.payload + at, &fake, sizeof(fake));
    }
    SmallLaneProducer::Publish(claim, CellKind::kInline, 0, bytes);
  }
};

TEST_F(SmallLaneOrderTest, ClaimsPublishedBackwardsArriveInTheOrderOfTheClaims) {
  const SmallClaim first = Claim(8);
  const SmallClaim second = Claim(100);
  const SmallClaim third = Claim(8);
  Publish(third, "third");
  EXPECT_EQ(Front(), "(empty)");
  Publish(second, "second");
  EXPECT_EQ(Front(), "(empty)");
  Publish(first, "first");
  EXPECT_EQ(Receive(), "first");
  EXPECT_EQ(Receive(), "second");
  EXPECT_EQ(Receive(), "third");
  EXPECT_EQ(Front(), "(empty)");
}

TEST_F(SmallLaneOrderTest, PublishStoresNothingButItsOwnHeader) {
  const SmallClaim first = Claim(8);
  const SmallClaim second = Claim(8);
  Publish(first, "first");
  EXPECT_EQ(Receive(), "first");
  EXPECT_EQ(Front(), "(empty)");  // The second one's header is still clear.
  Publish(second, "second");
  EXPECT_EQ(Receive(), "second");
}

TEST_F(SmallLaneOrderTest, AnAbandonedClaimIsPassedOver) {
  const SmallClaim first = Claim(300);
  Send("second");
  SmallLaneProducer::Abandon(first);
  EXPECT_EQ(Receive(), "second");
}

TEST_F(SmallLaneOrderTest, AnOpenClaimHoldsBackWhatFollows) {
  const SmallClaim first = Claim(8);
  Send("second");
  EXPECT_EQ(Front(), "(empty)");
  SmallLaneProducer::Abandon(first);
  EXPECT_EQ(Receive(), "second");
}

TEST_F(SmallLaneOrderTest, ALaneFullOfAbandonedClaimsIsPassedInOneLook) {
  for (uint32_t i = 0; i < kLinkCells - 1; ++i) SmallLaneProducer::Abandon(Claim(1));
  EXPECT_EQ(Front(), "(empty)");
  consumer_.PublishCredits();
  Send("after them");
  EXPECT_EQ(Receive(), "after them");
}

TEST_F(SmallLaneOrderTest, ClaimsMayStayOpenAcrossTheEndOfALap) {
  Pass(30);
  Pass(28);
  const SmallClaim before = Claim(PayloadOf(2));
  const SmallClaim after = Claim(PayloadOf(4));  // Skips the last cell.
  Publish(after, "after");
  EXPECT_EQ(Front(), "(empty)");
  Publish(before, "before");
  EXPECT_EQ(Receive(), "before");
  EXPECT_EQ(Receive(), "after");
}

// Each claim clears what is no header behind it before anything leads the consumer there.
TEST_F(SmallLaneOrderTest, OldPayloadNeverPassesForAHeader) {
  for (uint16_t lap = 1; lap < 200; lap += 2) {
    for (const uint32_t cells : {30u, 30u, 1u}) {
      const size_t bytes = PayloadOf(cells);
      FillWithFakeHeaders(Claim(bytes), bytes, static_cast<uint16_t>(lap + 1));
      SmallMessage message;
      ASSERT_EQ(consumer_.Front(message), FrontResult::kMessage);
      ASSERT_EQ(message.payload.size(), bytes) << "lap " << lap;
      consumer_.Release();
      consumer_.PublishCredits();
    }
    // Now one cell at a time over the same bytes.
    for (uint32_t cell = 0; cell < kLinkCells; ++cell) {
      ASSERT_EQ(Front(), "(empty)") << "cell " << cell;
      Send("x");
      ASSERT_EQ(Receive(), "x");
      consumer_.PublishCredits();
    }
  }
}

}  // namespace
}  // namespace tombolo
