// Random claims, frees and deaths against a plain array of owners.
#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "transport/alloc/extent_map.h"
#include "transport/layout/extent_word.h"
#include "transport/layout/shared_word.h"

namespace tombolo {
namespace {

constexpr uint32_t kExtents = 70;
constexpr int kOperations = 200'000;
constexpr int kNobody = -1;

class ExtentMapModelTest : public testing::Test {
 protected:
  struct Run {
    uint32_t first;
    uint32_t count;
    uint16_t owner;
  };

  void SetUp() override { owners_.fill(kNobody); }

  bool HasFreeRun(uint32_t count) const {
    uint32_t length = 0;
    for (const int owner : owners_) {
      length = owner == kNobody ? length + 1 : 0;
      if (length == count) return true;
    }
    return false;
  }

  void Mark(const Run& run, int owner) {
    for (uint32_t i = run.first; i < run.first + run.count; ++i) {
      ASSERT_NE(owners_[i] == kNobody, owner == kNobody) << "extent " << i << " is claimed twice";
      owners_[i] = owner;
    }
  }

  void Claim() {
    Run run{.first = 0, .count = 1 + static_cast<uint32_t>(random_() % 12), .owner = RandomOwner()};
    const std::optional<uint32_t> first = map_.Claim(run.count, run.owner, ExtentKind::kMemory);
    ASSERT_EQ(first.has_value(), HasFreeRun(run.count)) << run.count << " extents";
    if (!first) return;
    run.first = *first;
    ASSERT_LE(run.first + run.count, kExtents);
    Mark(run, run.owner);
    runs_.push_back(run);
  }

  void Free() {
    if (runs_.empty()) return;
    std::swap(runs_[random_() % runs_.size()], runs_.back());
    const Run run = runs_.back();
    runs_.pop_back();
    ASSERT_TRUE(map_.Free(run.first, run.owner));
    Mark(run, kNobody);
  }

  void Die() {
    const uint16_t owner = RandomOwner();
    uint32_t held = 0;
    for (const Run& run : runs_) {
      if (run.owner != owner) continue;
      held += run.count;
      Mark(run, kNobody);
    }
    std::erase_if(runs_, [&](const Run& run) { return run.owner == owner; });
    ASSERT_EQ(map_.ReleaseAllOf(owner), held);
  }

  uint16_t RandomOwner() { return static_cast<uint16_t>(random_() % 5); }

  std::mt19937_64 random_{20240229};
  std::array<SharedU64, kExtents> words_{};
  ExtentMap map_{words_};
  std::array<int, kExtents> owners_;
  std::vector<Run> runs_;
};

TEST_F(ExtentMapModelTest, EveryClaimSucceedsThatHasRoomAndTakesNothingFromOthers) {
  for (int i = 0; i < kOperations; ++i) {
    const auto kind = random_() % 100;
    ASSERT_NO_FATAL_FAILURE(kind < 55 ? Claim() : kind < 98 ? Free() : Die()) << "operation " << i;
    const auto free = static_cast<uint32_t>(std::count(owners_.begin(), owners_.end(), kNobody));
    ASSERT_EQ(map_.CountFree(), free) << "operation " << i;
  }
}

}  // namespace
}  // namespace tombolo
