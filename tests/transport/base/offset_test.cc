#include "transport/base/offset.h"

#include "gtest/gtest.h"
#include "transport/base/units.h"

namespace tombolo {
namespace {

constexpr uint64_t kLimit = kMiB;

TEST(OffsetTest, AWholeRangeFitsWithinItself) {
  EXPECT_TRUE(FitsWithin(Offset{0}, kLimit, kLimit));
}

TEST(OffsetTest, AnEmptyRangeAtTheEndFits) { EXPECT_TRUE(FitsWithin(Offset{kLimit}, 0, kLimit)); }

TEST(OffsetTest, OneByteTooManyDoesNotFit) {
  EXPECT_FALSE(FitsWithin(Offset{0}, kLimit + 1, kLimit));
  EXPECT_FALSE(FitsWithin(Offset{kLimit}, 1, kLimit));
  EXPECT_FALSE(FitsWithin(Offset{kLimit + 1}, 0, kLimit));
}

TEST(OffsetTest, SumsThatWrapDoNotFit) {
  EXPECT_FALSE(FitsWithin(Offset{8}, UINT64_MAX - 7, kLimit));
  EXPECT_FALSE(FitsWithin(Offset{UINT64_MAX}, 1, kLimit));
  EXPECT_FALSE(FitsWithin(Offset{UINT64_MAX - 1}, UINT64_MAX, kLimit));
}

TEST(OffsetTest, OrdersByBytes) {
  EXPECT_LT(Offset{1}, Offset{2});
  EXPECT_EQ(Offset{1} + 2, Offset{3});
}

}  // namespace
}  // namespace tombolo
