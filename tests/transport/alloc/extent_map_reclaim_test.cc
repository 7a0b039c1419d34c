// ReleaseAllOf(): whatever instruction the owner died at. Each state that Claim() and Free() pass
// through is set by hand, between runs of somebody who lives.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transport/alloc/map_fixture.h"
#include "transport/alloc/extent_map.h"
#include "transport/layout/extent_word.h"

namespace tombolo {
namespace {

// The dead owner's run would be extents 4 to 7. 'H' is a head, 't' a tail, '.' free.
struct HalfDone {
  const char* name;
  const char* run;
};

void PrintTo(const HalfDone& state, std::ostream* out) { *out << state.name; }

const HalfDone kStates[] = {
    {"NothingClaimed", "...."},
    {"LastTailClaimed", "...t"},
    {"TwoTailsClaimed", "..tt"},
    {"AllTailsClaimed", ".ttt"},
    {"Claimed", "Httt"},
    {"HeadFreed", ".ttt"},
    {"HeadAndOneTailFreed", "..tt"},
    {"AllButOneTailFreed", "...t"},
    // A claim that met somebody else's extent frees its tails from the first to the last.
    {"RollbackBegan", "..tt"},
    {"TwoRunsAndAHalf", "HHt."},
};

class ExtentMapReclaimTest : public MapTest, public testing::WithParamInterface<HalfDone> {
 protected:
  static constexpr uint32_t kFirst = 4;

  uint32_t Apply(const std::string& run) {
    uint32_t held = 0;
    for (uint32_t i = 0; i < run.size(); ++i) {
      if (run[i] == 'H') SetHead(kFirst + i, kAlice, static_cast<uint32_t>(run.size()) - i);
      if (run[i] == 't') SetTail(kFirst + i, kAlice);
      if (run[i] != '.') ++held;
    }
    return held;
  }
};

TEST_P(ExtentMapReclaimTest, EverythingOfTheDeadIsFreeAndNothingOfTheLiving) {
  SetHead(2, kBob, 2);
  SetTail(3, kBob);
  SetHead(8, kBob, 1);
  const uint32_t held = Apply(GetParam().run);
  EXPECT_EQ(map_.ReleaseAllOf(kAlice), held);
  EXPECT_EQ(map_.CountFree(), kExtents - 3);
  EXPECT_EQ(map_.Look(2), (ExtentWord{ExtentState::kHead, ExtentKind::kMemory, kBob, 0, 2}));
  EXPECT_EQ(map_.Look(3).owner, kBob);
  EXPECT_EQ(map_.Look(8).owner, kBob);
}

TEST_P(ExtentMapReclaimTest, WhatWasHeldGetsANewGeneration) {
  Apply(GetParam().run);
  map_.ReleaseAllOf(kAlice);
  for (uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(map_.Look(kFirst + i).generation, GetParam().run[i] == '.' ? 0u : 1u) << i;
  }
}

TEST_P(ExtentMapReclaimTest, MayBeRepeated) {
  Apply(GetParam().run);
  map_.ReleaseAllOf(kAlice);
  EXPECT_EQ(map_.ReleaseAllOf(kAlice), 0u);
}

TEST_P(ExtentMapReclaimTest, TheExtentsAreClaimedAgainAsOneRun) {
  Apply(GetParam().run);
  map_.ReleaseAllOf(kAlice);
  EXPECT_EQ(map_.Claim(kExtents, kBob, ExtentKind::kMemory), 0u);
}

// While the dead one's words are still there nobody else is given them.
TEST_P(ExtentMapReclaimTest, BeforeItNothingOfTheDeadIsClaimed) {
  const uint32_t held = Apply(GetParam().run);
  uint32_t claimed = 0;
  while (map_.Claim(1, kBob, ExtentKind::kMemory)) ++claimed;
  EXPECT_EQ(claimed, kExtents - held);
}

INSTANTIATE_TEST_SUITE_P(All, ExtentMapReclaimTest, testing::ValuesIn(kStates),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace tombolo
