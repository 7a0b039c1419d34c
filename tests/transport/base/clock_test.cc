#include "transport/base/clock.h"

#include "gtest/gtest.h"
#include "transport/base/units.h"

namespace tombolo {
namespace {

TEST(ClockTest, NeverGoesBack) {
  int64_t last = MonotonicNs();
  for (int i = 0; i < 1000; ++i) {
    const int64_t now = MonotonicNs();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(ClockTest, CountsInNanosecondsOfTheMonotonicClock) {
  timespec before;
  clock_gettime(CLOCK_MONOTONIC, &before);
  const int64_t now = MonotonicNs();
  timespec after;
  clock_gettime(CLOCK_MONOTONIC, &after);
  EXPECT_GE(now, before.tv_sec * kNsPerSecond + before.tv_nsec);
  EXPECT_LE(now, after.tv_sec * kNsPerSecond + after.tv_nsec);
}

}  // namespace
}  // namespace tombolo
