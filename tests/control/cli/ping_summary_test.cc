#include "control/cli/ping_summary.h"

#include <gtest/gtest.h>

namespace tombolo::control {
namespace {

TEST(PingSummaryTest, SaysLeastMedianAndGreatest) {
  EXPECT_EQ(PingSummary(4, {3'000, 1'000, 2'040}),
            "4 asked, 3 answered; round trip min 1.0 us, median 2.0 us, max 3.0 us");
}

TEST(PingSummaryTest, NoAnswerHasNoTimes) { EXPECT_EQ(PingSummary(2, {}), "2 asked, 0 answered"); }

TEST(PingSummaryTest, JsonHasAllRoundTrips) {
  EXPECT_EQ(PingJson(1, 3, {3'000, 1'000}),
            "{\"schema\":1,\"slot\":1,\"asked\":3,\"answered\":2,\"round_trips_ns\":[3000,1000]}");
}

}  // namespace
}  // namespace tombolo::control
