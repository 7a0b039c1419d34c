#include "transport/wait/waiter.h"

#include <sys/eventfd.h>

#include "gtest/gtest.h"
#include "tests/support/status_text.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"

namespace tombolo {
namespace {

constexpr int64_t kNow = 1000 * kNsPerSecond;

class WaiterTest : public testing::Test {
 protected:
  void Ring() { ASSERT_EQ(eventfd_write(doorbell_.Get(), 1), 0); }

  // A storm begins at `now_ns`.
  void Storm(int64_t now_ns) {
    for (uint32_t i = 1; i < Waiter::kStormRings; ++i) ASSERT_FALSE(waiter_.RangInVain(now_ns));
    ASSERT_TRUE(waiter_.RangInVain(now_ns));
  }

  UniqueFd doorbell_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  Waiter waiter_{*Waiter::Create(doorbell_.Get())};
};

TEST_F(WaiterTest, HearsEveryRingOnceThoughNobodyReadsTheDoorbell) {
  EXPECT_FALSE(waiter_.Clear());
  for (int i = 0; i < 3; ++i) {
    Ring();
    EXPECT_TRUE(waiter_.Sleep(kNsPerSecond));
    EXPECT_FALSE(waiter_.Clear());
  }
}

TEST_F(WaiterTest, TwoWaitersShareADoorbell) {
  Waiter other = *Waiter::Create(doorbell_.Get());
  Ring();
  EXPECT_TRUE(waiter_.Clear());
  EXPECT_TRUE(other.Clear());
}

TEST_F(WaiterTest, BacksOffFromAMillisecondToASecondAndBeginsAnewAfterARing) {
  EXPECT_EQ(waiter_.BackoffNs(), kNsPerMs);
  EXPECT_FALSE(waiter_.Sleep(0));
  EXPECT_EQ(waiter_.BackoffNs(), 2 * kNsPerMs);
  for (int i = 0; i < 20; ++i) waiter_.LengthenBackoff();
  EXPECT_EQ(waiter_.BackoffNs(), kNsPerSecond);
  Ring();
  EXPECT_TRUE(waiter_.Sleep(kNsPerSecond));
  EXPECT_EQ(waiter_.BackoffNs(), kNsPerMs);
}

TEST_F(WaiterTest, AStormIsNotHeardAndTheTimerGoesOn) {
  for (int i = 0; i < 20; ++i) waiter_.LengthenBackoff();
  Storm(kNow);
  EXPECT_TRUE(waiter_.IsDeaf());
  Ring();
  EXPECT_FALSE(waiter_.Clear());
  EXPECT_EQ(waiter_.BackoffNs(), kNsPerMs);
}

TEST_F(WaiterTest, ListensAgainAfterAStorm) {
  Storm(kNow);
  waiter_.Recover(kNow + Waiter::kDeafNs - 1);
  EXPECT_TRUE(waiter_.IsDeaf());
  waiter_.Recover(kNow + Waiter::kDeafNs);
  EXPECT_FALSE(waiter_.IsDeaf());
  waiter_.Clear();
  Ring();
  EXPECT_TRUE(waiter_.Clear());
}

TEST_F(WaiterTest, WhatRangMeanwhileIsHeardAfterAStorm) {
  Storm(kNow);
  Ring();
  waiter_.Recover(kNow + Waiter::kDeafNs);
  EXPECT_TRUE(waiter_.Clear());
}

TEST_F(WaiterTest, TheSameNumberOfVainRingsOverALongTimeIsNoStorm) {
  for (uint32_t i = 0; i < 10 * Waiter::kStormRings; ++i) {
    EXPECT_FALSE(waiter_.RangInVain(kNow + i * kNsPerMs));
  }
  EXPECT_FALSE(waiter_.IsDeaf());
}

TEST_F(WaiterTest, RingsThatAreNotAllInVainAreNoStorm) {
  for (uint32_t i = 1; i < 10 * Waiter::kStormRings; ++i) {
    if (i % (Waiter::kStormRings - 1) == 0) waiter_.WasWorthIt();
    ASSERT_FALSE(waiter_.RangInVain(kNow));
  }
}

TEST_F(WaiterTest, ADescriptorThatCannotBeWaitedForIsAnError) {
  EXPECT_FALSE(Waiter::Create(-1).ok());
}

}  // namespace
}  // namespace tombolo
