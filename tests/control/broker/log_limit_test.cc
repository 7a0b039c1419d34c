#include "control/broker/log_limit.h"

#include "gtest/gtest.h"

namespace tombolo::control {
namespace {

TEST(LogLimitTest, TheFirstLineIsAlwaysLogged) {
  LogLimit limit;
  EXPECT_TRUE(limit.MayLog(5));
}

TEST(LogLimitTest, OthersWaitForAPause) {
  LogLimit limit;
  EXPECT_TRUE(limit.MayLog(5));
  EXPECT_FALSE(limit.MayLog(5));
  EXPECT_FALSE(limit.MayLog(4 + LogLimit::kPauseNs));
  EXPECT_TRUE(limit.MayLog(5 + LogLimit::kPauseNs));
  EXPECT_FALSE(limit.MayLog(6 + LogLimit::kPauseNs));
}

}  // namespace
}  // namespace tombolo::control
