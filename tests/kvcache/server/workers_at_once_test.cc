// Several workers at the same keys at the same time; also what ThreadSanitizer looks at.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "kvcache/protocol/backend.h"
#include "kvcache/server/worker_backend.h"
#include "tests/kvcache/server/shards_fixture.h"

namespace tombolo::kvcache {
namespace {

constexpr int kWorkers = 4;
constexpr int kRounds = 2000;

class WorkersAtOnceTest : public ShardsTest {
 protected:
  // `task(backend, number)` in a thread for each worker, and meanwhile the ticks.
  template <typename Task>
  void AllAtOnce(Task task) {
    std::atomic<int> running = kWorkers;
    std::vector<std::thread> threads;
    for (int number = 0; number < kWorkers; ++number) {
      threads.emplace_back([&, number] {
        const auto backend = MakeBackend();
        task(*backend, number);
        running.fetch_sub(1, std::memory_order_release);
      });
    }
    while (running.load(std::memory_order_acquire) != 0) {
      shards_->Tick();
      shards_->Facts();
    }
    for (std::thread& thread : threads) thread.join();
  }
};

TEST_F(WorkersAtOnceTest, NoCountIsLost) {
  Set(*MakeBackend(), "count", "0");
  AllAtOnce([](WorkerBackend& backend, int /*number*/) {
    for (int i = 0; i < kRounds; ++i) backend.Count({.key = "count"});
  });
  EXPECT_EQ(Get(*MakeBackend(), "count"), std::to_string(kWorkers * kRounds));
}

TEST_F(WorkersAtOnceTest, AnItemIsWonByOneAlone) {
  std::atomic<int> won = 0;
  AllAtOnce([&won](WorkerBackend& backend, int /*number*/) {
    StoredValue seen;
    for (int i = 0; i < kRounds; ++i) {
      if (backend.Visit({.key = std::to_string(i), .makes = 0}, seen).is_won) ++won;
    }
  });
  EXPECT_EQ(won, kRounds);
}

// While others write, and segments are recycled under the hands of those who read.
TEST_F(WorkersAtOnceTest, ValuesAreReadWhole) {
  std::atomic<int> torn = 0;
  AllAtOnce([this, &torn](WorkerBackend& backend, int number) {
    for (int i = 0; i < kRounds; ++i) {
      const std::string key = std::to_string(i % 7);
      const auto letter = static_cast<char>('a' + (i + number) % 26);
      if (number % 2 == 0) {
        Set(backend, key, std::string(static_cast<size_t>(1000 + i), letter));
        continue;
      }
      const std::string value = Get(backend, key);
      if (value == "(miss)") continue;
      if (value.find_first_not_of(value.front()) != std::string::npos) ++torn;
    }
  });
  EXPECT_EQ(torn, 0);
}

}  // namespace
}  // namespace tombolo::kvcache
