// An owner in a process of its own is killed at any moment, again and again; the next one finds
// every acknowledged write, and nothing of what was overwritten or deleted before.
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <random>
#include <string>

#include "gtest/gtest.h"
#include "kvcache/client/reader.h"
#include "kvcache/store/store.h"
#include "tests/kvcache/shared_mapping.h"
#include "tests/support/spin.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

constexpr size_t kBytes = 2 * kMiB;
constexpr uint64_t kKeys = 64;
constexpr int kKills = 100;

StoreOptions Options() {
  return {.limits = {.shard_bytes = kBytes,
                     .expected_item_bytes = 300,
                     .segment_bytes = 64 * kKiB,
                     .item_max_bytes = 16 * kKiB},
          .hash_seed = 3};
}

// What the owner tells outside of the shard: what it is about to do and what it has done.
struct Board {
  std::array<std::atomic<uint64_t>, kKeys> intended;
  std::array<std::atomic<uint64_t>, kKeys> acknowledged;
  std::atomic<uint64_t> operations;
};

std::string KeyOf(uint64_t number) { return "key" + std::to_string(number); }

// Every eighth version is a delete; 0 is what nobody has written yet.
bool IsThere(uint64_t version) { return version != 0 && version % 8 != 7; }

std::string ValueOf(uint64_t key, uint64_t version) {
  std::string value = std::to_string(key) + ":" + std::to_string(version) + ":";
  value.append(version * 37 % 1500, static_cast<char>('a' + version % 26));
  return value;
}

class KillLoopTest : public testing::Test {
 protected:
  std::unique_ptr<Store> OpenStore() {
    auto store = Store::Open(shard_.Bytes(), Options(), [] { return 1000u; });
    if (!store.ok()) abort();
    return *std::move(store);
  }

  [[noreturn]] void Own(uint32_t seed) {
    std::minstd_rand random(seed);
    const auto store = OpenStore();
    while (true) {
      const uint64_t key = random() % kKeys;
      const uint64_t version = board().acknowledged[key].load(std::memory_order_relaxed) + 1;
      // seq_cst, and the shard's own stores are releases: the parent looks when we are dead.
      board().intended[key].store(version, std::memory_order_seq_cst);
      if (IsThere(version)) {
        if (store->Set(KeyOf(key), ValueOf(key, version), 0, 0).cas == 0) abort();
      } else {
        store->Delete(KeyOf(key));
      }
      board().acknowledged[key].store(version, std::memory_order_seq_cst);
      board().operations.fetch_add(1, std::memory_order_relaxed);
    }
  }

  // One owner's life, which ends after about `operations` of them.
  void LiveAndDie(uint32_t seed, uint64_t operations) {
    const uint64_t until = board().operations.load(std::memory_order_relaxed) + operations;
    const pid_t owner = fork();
    ASSERT_GE(owner, 0);
    if (owner == 0) Own(seed);
    const bool lived =
        SpinUntil([&] { return board().operations.load(std::memory_order_relaxed) >= until; });
    kill(owner, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(owner, &status, 0), owner);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
    ASSERT_TRUE(lived);
  }

  void CheckKey(Store& store, Reader& reader, uint64_t key) {
    const uint64_t acknowledged = board().acknowledged[key].load(std::memory_order_relaxed);
    const uint64_t intended = board().intended[key].load(std::memory_order_relaxed);
    StoredValue value;
    const std::string seen = store.Get(KeyOf(key), value) ? value.value : "(miss)";
    const auto is = [&](uint64_t version) {
      return seen == (IsThere(version) ? ValueOf(key, version) : "(miss)");
    };
    ASSERT_TRUE(is(acknowledged) || is(intended))
        << KeyOf(key) << " is " << seen.substr(0, 20) << ", acknowledged " << acknowledged
        << ", intended " << intended;
    std::string read;
    Found found;
    if (reader.Get(KeyOf(key), read, found) == ReadResult::kMiss) read = "(miss)";
    ASSERT_EQ(read, seen);
    // What was in flight is decided now.
    const uint64_t version = is(intended) ? intended : acknowledged;
    board().acknowledged[key].store(version, std::memory_order_relaxed);
  }

  Board& board() { return *reinterpret_cast<Board*>(board_.Bytes().data()); }

  SharedMapping shard_{kBytes};
  SharedMapping board_{sizeof(Board)};
};

TEST_F(KillLoopTest, EveryAcknowledgedWriteIsThereAndNothingElse) {
  std::minstd_rand random(9);
  OpenStore();
  auto reader = Reader::Attach(shard_.Bytes(), [] { return int64_t{0}; });
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  reader->OwnerWasHeard();
  int64_t reopen_ns = 0;
  for (uint32_t kills = 1; kills <= kKills; ++kills) {
    SCOPED_TRACE(testing::Message() << "kill " << kills);
    LiveAndDie(kills, 1 + random() % 2000);
    if (HasFatalFailure()) return;
    const int64_t begin_ns = MonotonicNs();
    const auto store = OpenStore();
    reopen_ns += MonotonicNs() - begin_ns;
    ASSERT_TRUE(store->Report().is_warm) << store->Report().cold_reason;
    for (uint64_t key = 0; key < kKeys; ++key) {
      CheckKey(*store, *reader, key);
      if (HasFatalFailure()) return;
    }
  }
  printf("%d kills, %lu operations, %ld us to open\n", kKills,
         static_cast<unsigned long>(board().operations.load()),
         static_cast<long>(reopen_ns / kKills / kNsPerUs));
}

}  // namespace
}  // namespace tombolo::kvcache
