// When a thread looks for more to do before it sleeps.
#include "kvcache/server/patience.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace tombolo::kvcache {
namespace {

uint32_t SleepsBeforeItLooks(Patience& patience) {
  uint32_t sleeps = 0;
  while (!patience.WantsToLook()) ++sleeps;
  return sleeps;
}

TEST(PatienceTest, LooksAgainAsLongAsSomethingIsFound) {
  Patience patience;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(SleepsBeforeItLooks(patience), 0u);
    patience.Found();
  }
}

TEST(PatienceTest, SleepsEverMoreOftenWhenNothingIsFoundAndNotForEver) {
  Patience patience;
  for (uint32_t expected = 0; expected < Patience::kMostSleeps; expected = 2 * expected + 1) {
    EXPECT_EQ(SleepsBeforeItLooks(patience), expected);
    patience.FoundNothing();
  }
  EXPECT_EQ(SleepsBeforeItLooks(patience), Patience::kMostSleeps);
  patience.FoundNothing();
  EXPECT_EQ(SleepsBeforeItLooks(patience), Patience::kMostSleeps);
}

TEST(PatienceTest, IsAsPatientAsEverOnceSomethingIsFound) {
  Patience patience;
  for (int i = 0; i < 5; ++i) {
    SleepsBeforeItLooks(patience);
    patience.FoundNothing();
  }
  SleepsBeforeItLooks(patience);
  patience.Found();
  EXPECT_EQ(SleepsBeforeItLooks(patience), 0u);
  patience.FoundNothing();
  EXPECT_EQ(SleepsBeforeItLooks(patience), 1u);
}

}  // namespace
}  // namespace tombolo::kvcache
