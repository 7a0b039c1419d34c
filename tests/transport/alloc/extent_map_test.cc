// Claiming and freeing: the words of a run, where a run is found, what is refused.
#include "transport/alloc/extent_map.h"

#include <optional>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transport/alloc/map_fixture.h"
#include "transport/layout/extent_word.h"
#include "transport/layout/shared_word.h"

namespace tombolo {
namespace {

class ExtentMapTest : public MapTest {};

TEST_F(ExtentMapTest, ZeroedMemoryIsAMapOfFreeExtents) { EXPECT_EQ(map_.CountFree(), kExtents); }

TEST_F(ExtentMapTest, ARunIsOneHeadAndTailsOfTheSameOwner) {
  ASSERT_EQ(map_.Claim(3, kAlice, ExtentKind::kPoolSegment), 0u);
  const ExtentWord head{ExtentState::kHead, ExtentKind::kPoolSegment, kAlice, 0, 3};
  const ExtentWord tail{ExtentState::kTail, ExtentKind::kPoolSegment, kAlice, 0, 0};
  EXPECT_EQ(map_.Look(0), head);
  EXPECT_EQ(map_.Look(1), tail);
  EXPECT_EQ(map_.Look(2), tail);
  EXPECT_EQ(map_.Look(3), ExtentWord{});
}

TEST_F(ExtentMapTest, TheBitsOfAWordAreWhereTheLayoutSays) {
  map_.Claim(1, 0x1234, ExtentKind::kLink);
  EXPECT_EQ(words_[0].load(std::memory_order_relaxed), 0x1'2'1234'00000'00001u);
}

TEST_F(ExtentMapTest, RunsDoNotOverlap) {
  EXPECT_EQ(Claim(5), 0u);
  EXPECT_EQ(Claim(5, kBob), 5u);
  EXPECT_EQ(Claim(6), 10u);
  EXPECT_EQ(map_.CountFree(), 0u);
  EXPECT_EQ(Claim(1), std::nullopt);
}

TEST_F(ExtentMapTest, TheWholeMapCanBeOneRun) {
  EXPECT_EQ(Claim(kExtents), 0u);
  EXPECT_TRUE(map_.Free(0, kAlice));
  EXPECT_EQ(map_.CountFree(), kExtents);
}

TEST_F(ExtentMapTest, NothingAndMoreThanTheMapAreRefused) {
  EXPECT_EQ(Claim(0), std::nullopt);
  EXPECT_EQ(Claim(kExtents + 1), std::nullopt);
  EXPECT_EQ(Claim(UINT32_MAX), std::nullopt);
  EXPECT_EQ(map_.CountFree(), kExtents);
}

TEST_F(ExtentMapTest, AnEmptyMapGivesNothing) {
  ExtentMap none{std::span<SharedU64>()};
  EXPECT_EQ(none.Claim(1, kAlice, ExtentKind::kMemory), std::nullopt);
  EXPECT_FALSE(none.Free(0, kAlice));
  EXPECT_EQ(none.ReleaseAllOf(kAlice), 0u);
}

// Its length would not fit into 20 bits.
TEST_F(ExtentMapTest, ARunLongerThanItsLengthFieldIsRefused) {
  std::vector<SharedU64> words(kMaxRunExtents + 1);
  ExtentMap map{words};
  EXPECT_EQ(map.Claim(static_cast<uint32_t>(kMaxRunExtents) + 1, kAlice, ExtentKind::kMemory),
            std::nullopt);
  ASSERT_EQ(map.Claim(static_cast<uint32_t>(kMaxRunExtents), kAlice, ExtentKind::kMemory), 0u);
  EXPECT_TRUE(map.Free(0, kAlice));
  EXPECT_EQ(map.CountFree(), kMaxRunExtents + 1);
}

TEST_F(ExtentMapTest, FreeingBumpsTheGenerationOfEveryWord) {
  Claim(2);
  EXPECT_TRUE(map_.Free(0, kAlice));
  EXPECT_EQ(map_.Look(0), ExtentWord{.generation = 1});
  EXPECT_EQ(map_.Look(1), ExtentWord{.generation = 1});
  EXPECT_EQ(map_.Look(2).generation, 0u);
}

TEST_F(ExtentMapTest, AClaimKeepsTheGeneration) {
  for (uint32_t i = 0; i < kExtents; ++i) Set(i, {.generation = 41});
  Claim(2);
  EXPECT_EQ(map_.Look(0).generation, 41u);
  EXPECT_EQ(map_.Look(1).generation, 41u);
}

TEST_F(ExtentMapTest, TheGenerationWrapsWithinItsBits) {
  Set(0, {.generation = kExtentGenerationMask});
  Claim(1);
  EXPECT_TRUE(map_.Free(0, kAlice));
  EXPECT_EQ(words_[0].load(std::memory_order_relaxed), 0u);
}

TEST_F(ExtentMapTest, FreeRefusesWhatIsNoHeadOfTheOwner) {
  Claim(3);
  EXPECT_FALSE(map_.Free(0, kBob));
  EXPECT_FALSE(map_.Free(1, kAlice));
  EXPECT_FALSE(map_.Free(3, kAlice));
  EXPECT_FALSE(map_.Free(kExtents, kAlice));
  EXPECT_FALSE(map_.Free(UINT32_MAX, kAlice));
  EXPECT_EQ(map_.CountFree(), kExtents - 3);
}

TEST_F(ExtentMapTest, FreeingTwiceIsRefused) {
  Claim(3);
  EXPECT_TRUE(map_.Free(0, kAlice));
  EXPECT_FALSE(map_.Free(0, kAlice));
  EXPECT_EQ(map_.Look(0).generation, 1u);
}

TEST_F(ExtentMapTest, AHoleBetweenOthersIsFoundWhereverTheLastClaimEnded) {
  for (uint32_t i = 0; i < kExtents; ++i) Claim(1);
  for (const uint32_t hole : {2u, 3u, 4u, 9u, 15u}) EXPECT_TRUE(map_.Free(hole, kAlice));
  EXPECT_EQ(Claim(4), std::nullopt);
  EXPECT_EQ(Claim(3), 2u);
  const std::set<std::optional<uint32_t>> rest = {Claim(1), Claim(1)};
  EXPECT_EQ(rest, (std::set<std::optional<uint32_t>>{9, 15}));
  EXPECT_EQ(Claim(1), std::nullopt);
}

TEST_F(ExtentMapTest, ARunIsFoundThatBeginsBeforeTheLastClaimAndEndsBehindIt) {
  Claim(8);
  EXPECT_TRUE(map_.Free(0, kAlice));
  SetHead(0, kBob, 1);
  SetHead(15, kBob, 1);
  EXPECT_EQ(Claim(14), 1u);
}

TEST_F(ExtentMapTest, ASearchInAFragmentedMapEnds) {
  for (uint32_t i = 0; i < kExtents; i += 2) SetHead(i, kBob, 1);
  EXPECT_EQ(Claim(2), std::nullopt);
  EXPECT_EQ(map_.CountFree(), kExtents / 2);
}

TEST_F(ExtentMapTest, WordsOfNoKnownStateAreNeverClaimed) {
  for (uint32_t i = 0; i < kExtents; ++i) {
    words_[i].store(~uint64_t{0}, std::memory_order_relaxed);
  }
  EXPECT_EQ(Claim(1), std::nullopt);
  EXPECT_FALSE(map_.Free(0, UINT16_MAX));
}

TEST_F(ExtentMapTest, AHeadThatClaimsToReachBeyondTheMapIsNotFreed) {
  SetHead(14, kAlice, 3);
  EXPECT_FALSE(map_.Free(14, kAlice));
  SetHead(0, kAlice, static_cast<uint32_t>(kMaxRunExtents));
  EXPECT_FALSE(map_.Free(0, kAlice));
}

TEST_F(ExtentMapTest, AHeadThatIsLongerThanItsRunFreesNobodyElse) {
  Claim(2);
  Claim(2, kBob);
  SetHead(0, kAlice, 4);
  EXPECT_TRUE(map_.Free(0, kAlice));
  EXPECT_EQ(map_.Look(2).owner, kBob);
  EXPECT_EQ(map_.Look(3).owner, kBob);
  EXPECT_EQ(map_.CountFree(), kExtents - 2);
}

TEST_F(ExtentMapTest, WhatAFreeWordHoldsBesidesItsGenerationIsForgotten) {
  Set(0, {.kind = ExtentKind::kLink, .owner = kBob, .generation = 5, .length = 99});
  ASSERT_EQ(Claim(1), 0u);
  EXPECT_EQ(map_.Look(0),
            (ExtentWord{ExtentState::kHead, ExtentKind::kMemory, kAlice, /*generation=*/5, 1}));
}

TEST_F(ExtentMapTest, ReleaseSomeScrubsEachExtentBeforeItIsFree) {
  SetHead(2, kAlice, 3);
  SetTail(3, kAlice);
  SetTail(4, kAlice);
  SetHead(5, kBob, 1);
  SetHead(6, kAlice, 1);
  std::vector<uint32_t> scrubbed;
  const auto scrub = [&](uint32_t extent) {
    EXPECT_FALSE(IsFree(extent));
    scrubbed.push_back(extent);
  };
  EXPECT_EQ(map_.ReleaseSome(kAlice, 2, scrub), 2u);
  EXPECT_EQ(scrubbed, (std::vector<uint32_t>{2, 3}));
  EXPECT_FALSE(IsFree(4));
  EXPECT_EQ(map_.ReleaseSome(kAlice, 3, scrub), 2u);
  EXPECT_EQ(scrubbed, (std::vector<uint32_t>{2, 3, 4, 6}));
  EXPECT_FALSE(IsFree(5));
}

TEST_F(ExtentMapTest, ReleaseUnfinishedFreesTailsThatBelongToNoRun) {
  SetTail(0, kAlice);
  SetHead(1, kAlice, 2);
  SetTail(2, kAlice);
  SetTail(3, kAlice);
  SetHead(4, kBob, 2);
  SetTail(5, kAlice);
  SetHead(7, kBob, 2);
  SetTail(8, kBob);
  SetTail(9, kBob);
  SetHead(14, kAlice, 9);
  SetTail(15, kAlice);
  std::vector<uint32_t> scrubbed;
  EXPECT_EQ(map_.ReleaseUnfinished(kAlice, [&](uint32_t i) { scrubbed.push_back(i); }), 3u);
  EXPECT_EQ(scrubbed, (std::vector<uint32_t>{0, 3, 5}));
  for (const uint32_t kept : {1u, 2u, 4u, 7u, 8u, 9u, 14u, 15u}) EXPECT_FALSE(IsFree(kept)) << kept;
}

}  // namespace
}  // namespace tombolo
