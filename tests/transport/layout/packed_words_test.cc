// Words that hold several values: their bits, and that whatever a peer wrote unpacks to something.
#include <random>

#include "gtest/gtest.h"
#include "transport/layout/extent_word.h"
#include "transport/layout/inbox.h"
#include "transport/layout/link.h"
#include "transport/layout/member_table.h"

namespace tombolo {
namespace {

constexpr int kSamples = 100'000;

TEST(CellHeaderTest, HasItsBitsWhereThePictureSays) {
  EXPECT_EQ(
      Pack(CellHeader{
          .length = 0x123456, .cells = 0x78, .kind = CellKind{0x9a}, .tag = 0xbc, .lap = 0xdef0}),
      0xdef0'bc'9a'78'123456u);
}

TEST(CellHeaderTest, AnyWordUnpacksAndPacksToItself) {
  std::mt19937_64 random(1);
  for (int i = 0; i < kSamples; ++i) {
    const uint64_t word = random();
    ASSERT_EQ(Pack(UnpackCellHeader(word)), word);
  }
}

// lap counts from 1, so a header of a message is never 0.
TEST(CellHeaderTest, ZeroIsNoMessage) {
  EXPECT_EQ(UnpackCellHeader(0).lap, 0);
  EXPECT_NE(Pack(CellHeader{.length = 0, .cells = 1, .kind = CellKind::kInline, .lap = 1}), 0u);
}

TEST(ExtentWordTest, HasItsBitsWhereThePictureSays) {
  EXPECT_EQ(Pack(ExtentWord{ExtentState::kHead, ExtentKind::kMemory, 0x5678, 0x9abcd, 0xef012}),
            0x1'4'5678'9abcd'ef012u);
}

TEST(ExtentWordTest, AnyWordUnpacksAndPacksToItself) {
  std::mt19937_64 random(2);
  for (int i = 0; i < kSamples; ++i) {
    const uint64_t word = random();
    ASSERT_EQ(Pack(UnpackExtentWord(word)), word);
  }
}

TEST(ExtentWordTest, ZeroIsAFreeExtent) {
  EXPECT_EQ(UnpackExtentWord(0), ExtentWord{});
  EXPECT_EQ(ExtentWord{}.state, ExtentState::kFree);
}

TEST(MemberTableTest, IdentityIsIncarnationAndState) {
  const uint64_t identity = MakeIdentity(0xdeadbeef, 2);
  EXPECT_EQ(identity, 0xdeadbeef'00000002u);
  EXPECT_EQ(IdentityIncarnation(identity), 0xdeadbeefu);
  EXPECT_EQ(IdentityState(identity), 2u);
}

TEST(MemberTableTest, LocationIsSlotVectorAndPid) {
  const uint64_t location = MakeLocation(0x1234, 0x5678, 0x9abcdef0);
  EXPECT_EQ(location, 0x1234'5678'9abcdef0u);
  EXPECT_EQ(LocationSlot(location), 0x1234);
  EXPECT_EQ(LocationVector(location), 0x5678);
  EXPECT_EQ(LocationPid(location), 0x9abcdef0u);
}

TEST(InboxTest, RowsFollowEachOtherAndDoNotOverflow) {
  EXPECT_EQ(InboxByteIndex(0, 0, 1024), 0u);
  EXPECT_EQ(InboxByteIndex(0, 1023, 1024), 1023u);
  EXPECT_EQ(InboxByteIndex(1, 0, 1024), 1024u);
  EXPECT_EQ(InboxByteIndex(100'000, 7, 100'000), 10'000'000'007u);
}

}  // namespace
}  // namespace tombolo
