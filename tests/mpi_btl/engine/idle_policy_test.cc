#include "mpi_btl/engine/idle_policy.h"

#include <cstdint>
#include <utility>

#include "gtest/gtest.h"
#include "transport/base/units.h"

namespace tombolo::mpi {
namespace {

constexpr int64_t kIdleNs = 100 * kNsPerUs;
constexpr int64_t kLongestNs = 2 * kNsPerMs;

class IdlePolicyTest : public testing::Test {
 protected:
  IdlePolicyTest() { policy_.Set(kIdleNs, kLongestNs, /*is_crowded=*/false); }

  // Polls in vain until the policy looks at the clock, each poll taking so long; gives what it
  // says.
  int64_t PollUntilLook(int64_t wall_ns_per_poll, int64_t cpu_ns_per_poll) {
    do {
      policy_.Polled(false);
      now_.wall_ns += wall_ns_per_poll;
      now_.cpu_ns += cpu_ns_per_poll;
    } while (!policy_.IsTimeToLook());
    return policy_.SleepNs(now_);
  }

  int64_t WaitFor(int64_t wall_ns) {
    const int64_t until_ns = now_.wall_ns + wall_ns;
    int64_t sleep_ns = 0;
    while (now_.wall_ns < until_ns) sleep_ns = PollUntilLook(kNsPerUs / 10, kNsPerUs / 10);
    return sleep_ns;
  }

  void Sleep(int64_t sleep_ns) {
    now_.wall_ns += sleep_ns;
    policy_.Slept(now_);
  }

  IdlePolicy policy_;
  IdleTimes now_ = {.wall_ns = 7 * kNsPerSecond, .cpu_ns = 3 * kNsPerSecond};
};

TEST_F(IdlePolicyTest, NobodySleepsBeforeTheIdleTimeIsOver) { EXPECT_EQ(WaitFor(kIdleNs / 2), 0); }

TEST_F(IdlePolicyTest, WhoFindsNothingForTheIdleTimeSleepsShortly) {
  EXPECT_EQ(WaitFor(kIdleNs * 3 / 2), IdlePolicy::kShortestSleepNs);
}

TEST_F(IdlePolicyTest, AMessageBeginsTheIdleTimeAnew) {
  WaitFor(kIdleNs * 3 / 2);
  policy_.Polled(true);
  EXPECT_EQ(WaitFor(kIdleNs / 2), 0);
}

TEST_F(IdlePolicyTest, AnOperationBeginsTheIdleTimeAnew) {
  WaitFor(kIdleNs * 3 / 2);
  policy_.Worked();
  EXPECT_EQ(WaitFor(kIdleNs / 2), 0);
}

TEST_F(IdlePolicyTest, SleepsGrowWithTheTimeWaitedUpToTheLongest) {
  int64_t sleep_ns = WaitFor(kIdleNs * 3 / 2);
  for (int i = 0; i < 100; ++i) {
    Sleep(sleep_ns);
    const int64_t next_ns = PollUntilLook(kNsPerUs, kNsPerUs);
    EXPECT_GE(next_ns, sleep_ns);
    sleep_ns = next_ns;
  }
  EXPECT_EQ(sleep_ns, kLongestNs);
}

TEST_F(IdlePolicyTest, ASleeperLooksAgainAfterFewPolls) {
  Sleep(WaitFor(kIdleNs * 3 / 2));
  for (uint32_t i = 1; i < IdlePolicy::kPollsPerLookOfSleeper; ++i) {
    policy_.Polled(false);
    EXPECT_FALSE(policy_.IsTimeToLook());
  }
  policy_.Polled(false);
  EXPECT_TRUE(policy_.IsTimeToLook());
}

TEST_F(IdlePolicyTest, WhoComputesBetweenPollsDoesNotSleep) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(PollUntilLook(20 * kNsPerUs, 20 * kNsPerUs), 0);
  }
}

TEST_F(IdlePolicyTest, WhoYieldsBetweenPollsSleeps) {
  PollUntilLook(20 * kNsPerUs, kNsPerUs);
  EXPECT_GT(PollUntilLook(20 * kNsPerUs, kNsPerUs), 0);
}

TEST_F(IdlePolicyTest, WhoBeginsToComputeStopsSleeping) {
  Sleep(WaitFor(kIdleNs * 3 / 2));
  EXPECT_EQ(PollUntilLook(20 * kNsPerUs, 20 * kNsPerUs), 0);
}

TEST_F(IdlePolicyTest, AnotherThreadsClockBeginsTheIdleTimeAnew) {
  WaitFor(kIdleNs * 3 / 2);
  now_.cpu_ns -= kNsPerSecond;
  EXPECT_EQ(PollUntilLook(kNsPerUs, kNsPerUs), 0);
}

TEST_F(IdlePolicyTest, NobodySleepsWithAnIdleTimeOrALongestSleepOfZero) {
  for (const auto& [idle_ns, longest_ns] : {std::pair(int64_t{0}, kLongestNs), {kIdleNs, 0}}) {
    policy_.Set(idle_ns, longest_ns, false);
    for (int i = 0; i < 1000; ++i) policy_.Polled(false);
    EXPECT_FALSE(policy_.IsTimeToLook());
  }
}

}  // namespace
}  // namespace tombolo::mpi
