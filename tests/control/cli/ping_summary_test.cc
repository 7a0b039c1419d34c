#include "control/cli/ping_summary.h"

#include <gtest/gtest.h>

namespace tombolo::control {
namespace {

TEST(PingSummaryTest, SaysLeastMedianAndGreatest) {
  EXPECT_EQ(PingSummary(4, {3'000, 1'000, 2'040}),
            "4 asked, 3 answered; round trip min 1.0 us, median 2.0 us, max 3.0 us");
}

TEST(PingSummaryTest, NoAnswerHasNoTimes) { EXPECT_EQ(PingSummary(2, {}), "2 asked, 0 answered"); }

}  // namespace
}  // namespace tombolo::control
