#include "transport/wait/adaptive_spin.h"

#include "gtest/gtest.h"
#include "transport/base/units.h"

namespace tombolo {
namespace {

constexpr int64_t kLongSleepNs = kNsPerSecond;

TEST(AdaptiveSpinTest, BeginsAsIfLookingPaidOff) {
  EXPECT_EQ(AdaptiveSpin().BudgetNs(), AdaptiveSpin::kMostNs);
}

TEST(AdaptiveSpinTest, LooksLessAfterLongSleepsButNeverNotAtAll) {
  AdaptiveSpin spin;
  spin.Slept(kLongSleepNs);
  EXPECT_EQ(spin.BudgetNs(), AdaptiveSpin::kMostNs / 2);
  for (int i = 0; i < 100; ++i) spin.Slept(kLongSleepNs);
  EXPECT_EQ(spin.BudgetNs(), AdaptiveSpin::kLeastNs);
}

TEST(AdaptiveSpinTest, LooksLongerWhenItPaidOffOrWouldHave) {
  AdaptiveSpin spin;
  for (int i = 0; i < 100; ++i) spin.Slept(kLongSleepNs);
  spin.PaidOff();
  EXPECT_EQ(spin.BudgetNs(), 2 * AdaptiveSpin::kLeastNs);
  spin.Slept(AdaptiveSpin::kMostNs - 1);
  EXPECT_EQ(spin.BudgetNs(), 4 * AdaptiveSpin::kLeastNs);
  for (int i = 0; i < 100; ++i) spin.PaidOff();
  EXPECT_EQ(spin.BudgetNs(), AdaptiveSpin::kMostNs);
}

}  // namespace
}  // namespace tombolo
