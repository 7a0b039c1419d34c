// Many owners at once, under ThreadSanitizer too: an extent that two own at once is a data race on
// its memory, which is not atomic here.
#include <array>
#include <latch>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "transport/alloc/extent_map.h"
#include "transport/layout/extent_word.h"
#include "transport/layout/shared_word.h"

namespace tombolo {
namespace {

constexpr uint32_t kExtents = 24;
constexpr uint16_t kThreads = 4;
constexpr int kRounds = 200'000;

class ExtentMapThreadsTest : public testing::Test {
 protected:
  struct Run {
    uint32_t first;
    uint32_t count;
  };

  void RunThreads(auto body) {
    std::vector<std::thread> threads;
    std::latch all_are_here(kThreads);
    for (uint16_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&all_are_here, body, i] {
        all_are_here.arrive_and_wait();
        body(i);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  std::optional<Run> ClaimAndFill(std::minstd_rand& random, uint16_t owner, uint64_t mark) {
    const uint32_t count = 1 + static_cast<uint32_t>(random() % 6);
    const std::optional<uint32_t> first = map_.Claim(count, owner, ExtentKind::kMemory);
    if (!first) return std::nullopt;
    for (uint32_t i = 0; i < count; ++i) memory_[*first + i] = mark;
    return Run{*first, count};
  }

  void ExpectUntouched(const Run& run, uint64_t mark) {
    for (uint32_t i = 0; i < run.count; ++i) ASSERT_EQ(memory_[run.first + i], mark);
  }

  // Holds up to three runs at a time, so that the map is fragmented and often full.
  void ClaimAndFree(uint16_t thread, uint16_t owner) {
    std::minstd_rand random(thread + 1);
    std::array<std::optional<Run>, 3> held;
    for (int round = 0; round < kRounds; ++round) {
      const size_t which = random() % held.size();
      const uint64_t mark = uint64_t{thread} * held.size() + which;
      if (!held[which]) {
        held[which] = ClaimAndFill(random, owner, mark);
        continue;
      }
      ExpectUntouched(*held[which], mark);
      EXPECT_TRUE(map_.Free(held[which]->first, owner));
      held[which].reset();
    }
    for (const auto& run : held) {
      if (run) map_.Free(run->first, owner);
    }
  }

  std::array<SharedU64, kExtents> words_{};
  std::array<uint64_t, kExtents> memory_{};
  ExtentMap map_{words_};
};

TEST_F(ExtentMapThreadsTest, NoExtentHasTwoOwnersAndNoneIsLost) {
  RunThreads([this](uint16_t thread) { ClaimAndFree(thread, thread); });
  EXPECT_EQ(map_.CountFree(), kExtents);
}

// Threads of one process claim for the same endpoint.
TEST_F(ExtentMapThreadsTest, ThreadsOfOneOwnerDoNotFreeEachOthersRuns) {
  RunThreads([this](uint16_t thread) { ClaimAndFree(thread, /*owner=*/3); });
  EXPECT_EQ(map_.CountFree(), kExtents);
}

// Owners die with what they hold; the reaper frees it while others go on.
TEST_F(ExtentMapThreadsTest, TheReaperTakesFromTheDeadOnly) {
  RunThreads([this](uint16_t thread) {
    if (thread % 2 == 0) return ClaimAndFree(thread, thread);
    std::minstd_rand random(thread);
    for (int round = 0; round < kRounds / 4; ++round) {
      ClaimAndFill(random, thread, thread);
      ClaimAndFill(random, thread, thread);
      map_.ReleaseAllOf(thread);
    }
  });
  EXPECT_EQ(map_.CountFree(), kExtents);
}

}  // namespace
}  // namespace tombolo
