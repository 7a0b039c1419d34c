#include "tests/mpi/soak/plan.h"

#include <algorithm>
#include <array>
#include <set>

#include "gtest/gtest.h"

namespace tombolo::mpi_check {
namespace {

constexpr uint64_t kSeed = 4711;
constexpr int kRounds = 2000;
constexpr int kRanks = 4;

template <typename Visit>
void ForEachMessage(Visit visit) {
  for (int round = 0; round < kRounds; ++round) {
    const RoundPlan plan = PlanRound(kSeed, round, kRanks);
    for (const PlannedMessage& message : plan.messages) visit(plan, message);
  }
}

TEST(PlanTest, IsTheSameForTheSameSeedAndAnotherForAnother) {
  const RoundPlan one = PlanRound(kSeed, 7, kRanks);
  EXPECT_EQ(PlanRound(kSeed, 7, kRanks).seed, one.seed);
  EXPECT_NE(PlanRound(kSeed, 8, kRanks).seed, one.seed);
  EXPECT_NE(PlanRound(kSeed + 1, 7, kRanks).seed, one.seed);
}

TEST(PlanTest, HasMessagesOnEverySideOfEverySwitchOfProtocols) {
  // Inline, a chunk, a rendezvous, a get, and the limit itself.
  constexpr std::array<size_t, 6> kSides = {0, 1'912, 16'384, 32'768, 524'288, 4'194'304};
  std::set<size_t> seen;
  ForEachMessage([&](const RoundPlan&, const PlannedMessage& message) {
    seen.insert(*std::ranges::lower_bound(kSides, message.bytes));
  });
  EXPECT_EQ(seen.size(), kSides.size());
}

TEST(PlanTest, NumbersEachMessageOnceAndTellsThoseOfOnePairApart) {
  std::set<int> numbers;
  ForEachMessage([&](const RoundPlan& plan, const PlannedMessage& message) {
    EXPECT_TRUE(numbers.insert(message.number).second);
    if (plan.matching[static_cast<size_t>(message.destination)] != Matching::kExact) return;
    EXPECT_EQ(std::ranges::count_if(plan.messages,
                                    [&](const PlannedMessage& other) {
                                      return other.source == message.source &&
                                             other.destination == message.destination &&
                                             other.tag == message.tag;
                                    }),
              1);
  });
}

// Else two ranks could wait for each other.
TEST(PlanTest, WaitsForReceiversOnlyWhenTheirReceivesArePosted) {
  ForEachMessage([](const RoundPlan& plan, const PlannedMessage& message) {
    if (plan.is_posted_first) return;
    EXPECT_TRUE(message.call == SendCall::kIsend || message.call == SendCall::kIssend);
  });
}

}  // namespace
}  // namespace tombolo::mpi_check
