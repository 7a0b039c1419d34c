#include "control/holder/restart_policy.h"

#include <signal.h>

#include "gtest/gtest.h"

namespace tombolo::control {
namespace {

constexpr int Exited(int code) { return code << 8; }
constexpr int64_t kShortNs = kNsPerSecond;

TEST(RestartPolicyTest, GoodExitEnds) {
  RestartPolicy policy({});
  policy.ChildIsReady();
  EXPECT_EQ(policy.Judge({Exited(0), kShortNs}), 0);
}

TEST(RestartPolicyTest, FailedStartEndsWithItsCode) {
  RestartPolicy policy({});
  EXPECT_EQ(policy.Judge({Exited(2), kShortNs}), 2);
}

TEST(RestartPolicyTest, ErrorAfterReadinessStartsAgain) {
  RestartPolicy policy({});
  policy.ChildIsReady();
  EXPECT_EQ(policy.Judge({Exited(2), kShortNs}), std::nullopt);
}

TEST(RestartPolicyTest, FinalCodeEndsAndOthersDoNot) {
  RestartPolicy policy({.final_code = 3});
  policy.ChildIsReady();
  EXPECT_EQ(policy.Judge({Exited(2), kShortNs}), std::nullopt);
  EXPECT_EQ(policy.Judge({SIGQUIT, kShortNs}), std::nullopt) << "signal 3 is no code";
  EXPECT_EQ(policy.Judge({Exited(3), kShortNs}), 3);
}

TEST(RestartPolicyTest, SignalStartsAgainAlsoBeforeReadiness) {
  RestartPolicy policy({});
  EXPECT_EQ(policy.Judge({SIGKILL, kShortNs}), std::nullopt);
}

TEST(RestartPolicyTest, AskedEndIsNeverARestart) {
  RestartPolicy policy({});
  policy.ChildIsReady();
  policy.EndWasAsked();
  EXPECT_EQ(policy.Judge({SIGTERM, kShortNs}), 128 + SIGTERM);
  EXPECT_EQ(policy.Judge({Exited(1), kShortNs}), 1);
}

TEST(RestartPolicyTest, DelayDoublesUpToItsLimit) {
  RestartPolicy policy({.first_delay_ns = 100, .longest_delay_ns = 350, .stable_ns = 1000});
  for (const int64_t expected : {100, 200, 350, 350}) {
    EXPECT_EQ(policy.Judge({SIGKILL, 1}), std::nullopt);
    EXPECT_EQ(policy.DelayNs(), expected);
  }
}

TEST(RestartPolicyTest, LongLifeResetsTheDelay) {
  RestartPolicy policy({.first_delay_ns = 100, .longest_delay_ns = 350, .stable_ns = 1000});
  policy.Judge({SIGKILL, 1});
  policy.Judge({SIGKILL, 1});
  policy.Judge({SIGKILL, 1000});
  EXPECT_EQ(policy.DelayNs(), 100);
}

}  // namespace
}  // namespace tombolo::control
