#include "tests/mpi/soak/plan.h"

#include <algorithm>

#include "tests/mpi/sizes.h"
#include "tests/mpi/soak/random.h"

namespace tombolo::mpi_check {
namespace {

constexpr int kMostMessages = 32;
constexpr int kTags = 1000;
constexpr size_t kMostWildcardBytes = size_t{256} << 10;
constexpr size_t kMostGappyBytes = size_t{256} << 10;
constexpr size_t kBlockBytes = 8;  // Of what has gaps.

// Longer than a rank polls before it sleeps, sometimes.
constexpr int kLongestPauseMs = 30;
constexpr size_t kRoundsPerPause = 12;

// Most messages are small, so that many rounds fit into a second.
size_t RandomLimit(Random& random) {
  const size_t choice = random.Below(size_t{100});
  if (choice < 55) return size_t{3} << 10;
  if (choice < 80) return size_t{40} << 10;
  if (choice < 97) return size_t{600} << 10;
  return kLargestBytes;
}

// Every other one is next to a switch of protocols.
size_t RandomBytes(Random& random, size_t most_bytes) {
  static const std::vector<size_t> switches = SwitchSizes();
  const size_t limit = std::min(RandomLimit(random), most_bytes);
  if (random.OneIn(2)) return random.Below(limit + 1);
  const auto end = std::ranges::upper_bound(switches, limit);
  return switches[random.Below(static_cast<size_t>(end - switches.begin()))];
}

bool MayHaveGaps(size_t bytes) {
  return bytes != 0 && bytes % kBlockBytes == 0 && bytes <= kMostGappyBytes;
}

int RandomTag(Random& random, Matching matching, int index) {
  // Of its own, whatever else goes the same way.
  if (matching == Matching::kExact) return random.Below(kTags) * kMostMessages + index;
  return matching == Matching::kAnySource ? kTags : random.Below(kTags);
}

PlannedMessage PlanMessage(Random& random, const RoundPlan& round, int size, int index) {
  PlannedMessage message;
  message.source = random.Below(size);
  message.destination = random.Below(size);
  const Matching matching = round.matching[static_cast<size_t>(message.destination)];
  const bool is_exact = matching == Matching::kExact;
  message.tag = RandomTag(random, matching, index);
  message.bytes = RandomBytes(random, is_exact ? kLargestBytes : kMostWildcardBytes);
  // Calls that wait, only if somebody waits for them.
  message.call =
      static_cast<SendCall>(round.is_posted_first ? random.Below(4) : 2 + random.Below(2));
  message.is_sent_from_region = random.OneIn(2);
  message.is_received_in_region = random.OneIn(3);
  const bool has_gaps = MayHaveGaps(message.bytes);
  message.is_sent_with_gaps = has_gaps && random.OneIn(4);
  message.is_received_with_gaps = has_gaps && is_exact && random.OneIn(4);
  return message;
}

void PlanMessages(Random& random, int round, int size, RoundPlan& plan) {
  plan.is_posted_first = random.OneIn(2);
  plan.is_probed = random.OneIn(2);
  // Seldom, because all ranks have to wait for each other afterwards.
  const bool has_wildcards = random.OneIn(3);
  for (int rank = 0; rank < size; ++rank) {
    plan.matching.push_back(has_wildcards ? static_cast<Matching>(random.Below(3))
                                          : Matching::kExact);
  }
  const int count = 1 + random.Below(random.Below(kMostMessages) + 1);
  for (int index = 0; index < count; ++index) {
    plan.messages.push_back(PlanMessage(random, plan, size, index));
    plan.messages.back().number = round * kMostMessages + index;
  }
}

RoundKind RandomKind(Random& random) {
  const size_t choice = random.Below(size_t{10});
  if (choice < 8) return RoundKind::kMessages;
  return choice == 8 ? RoundKind::kOneSided : RoundKind::kCollective;
}

}  // namespace

bool RoundPlan::HasWildcards() const {
  return std::ranges::any_of(matching, [](Matching one) { return one != Matching::kExact; });
}

RoundPlan PlanRound(uint64_t seed, int round, int size) {
  Random random(seed, static_cast<uint64_t>(round));
  RoundPlan plan;
  plan.kind = RandomKind(random);
  plan.seed = random.Next();
  for (int rank = 0; rank < size; ++rank) {
    plan.pause_ms.push_back(random.OneIn(kRoundsPerPause) ? random.Below(kLongestPauseMs) : 0);
  }
  if (plan.kind == RoundKind::kMessages) PlanMessages(random, round, size, plan);
  return plan;
}

}  // namespace tombolo::mpi_check
