// An owner in a process of its own is killed at any moment, again and again, while a reader reads;
// the next one finds every acknowledged write that was not evicted, and nothing of what was
// overwritten, deleted or evicted before.
//
// In the environment: KILL_LOOP_KILLS, how many of them.
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
#include "tests/support/environment.h"
#include "tests/support/spin.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

constexpr uint64_t kKeys = 64;
// In each kind of shard. Sanitizers see what they see in the first ones, and forking takes long.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kKills = 100;
#else
constexpr int kKills = 1000;
#endif
constexpr uint64_t kMostOperationsOfALife = 300;

struct Kind {
  const char* name;
  ShardLimits limits;
  bool evicts;  // Else there is room for all keys, several times.
};

const Kind kKinds[] = {
    {.name = "Roomy",
     .limits = {.shard_bytes = 2 * kMiB,
                .expected_item_bytes = 300,
                .segment_bytes = 64 * kKiB,
                .item_max_bytes = 16 * kKiB},
     .evicts = false},
    {.name = "Tight",
     .limits = {.shard_bytes = 40 * kKiB,
                .expected_item_bytes = 300,
                .segment_bytes = 4 * kKiB,
                .item_max_bytes = 4 * kKiB},
     .evicts = true},
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

// What the owner tells outside of the shard: what it is about to do and what it has done.
struct Board {
  std::array<std::atomic<uint64_t>, kKeys> intended;
  std::array<std::atomic<uint64_t>, kKeys> acknowledged;
  std::atomic<uint64_t> operations;
};

std::string KeyOf(uint64_t number) { return "key" + std::to_string(number); }

// Every eighth version is a delete; 0 is what nobody has written yet.
bool IsThere(uint64_t version) { return version != 0 && version % 8 != 7; }
uint64_t NextDelete(uint64_t version) { return version + 8 - (version + 1) % 8; }

std::string ValueOf(uint64_t key, uint64_t version) {
  std::string value = std::to_string(key) + ":" + std::to_string(version) + ":";
  value.append(version * 37 % 1500, static_cast<char>('a' + version % 26));
  return value;
}

// 0: it is torn, or no value of that key.
uint64_t VersionOf(uint64_t key, const std::string& value) {
  const size_t colon = value.find(':');
  if (colon == std::string::npos) return 0;
  const uint64_t version = strtoull(value.c_str() + colon + 1, nullptr, 10);
  return value == ValueOf(key, version) ? version : 0;
}

class KillLoopTest : public testing::TestWithParam<Kind> {
 protected:
  std::unique_ptr<Store> OpenStore() {
    auto store = Store::Open(shard_.Bytes(), {.limits = GetParam().limits, .hash_seed = 3},
                             [] { return 1000u; });
    if (!store.ok()) abort();
    return *std::move(store);
  }

  [[noreturn]] void Own(uint32_t seed) {
    std::minstd_rand random(seed);
    const auto store = OpenStore();
    while (true) {
      OperateOnce(*store, random() % kKeys);
      // Some are asked for, so that there are survivors when segments are evicted.
      if (random() % 4 == 0) store->Touched(random() % kKeys);
    }
  }

  void OperateOnce(Store& store, uint64_t key) {
    const uint64_t version = board().acknowledged[key].load(std::memory_order_relaxed) + 1;
    // seq_cst, and the shard's own stores are releases: the parent looks when we are dead.
    board().intended[key].store(version, std::memory_order_seq_cst);
    if (IsThere(version)) {
      if (store.Set(KeyOf(key), ValueOf(key, version), 0, 0).cas == 0) abort();
    } else {
      store.Delete(KeyOf(key));
    }
    board().acknowledged[key].store(version, std::memory_order_seq_cst);
    board().operations.fetch_add(1, std::memory_order_relaxed);
  }

  // One owner's life, which ends after about `operations` of them.
  void LiveAndDie(Reader& reader, uint32_t seed, uint64_t operations) {
    std::minstd_rand random(seed);
    const uint64_t until = board().operations.load(std::memory_order_relaxed) + operations;
    const pid_t owner = fork();
    ASSERT_GE(owner, 0);
    if (owner == 0) Own(seed);
    const bool lived = SpinUntil([&] {
      ReadBeside(reader, random() % kKeys);
      return board().operations.load(std::memory_order_relaxed) >= until;
    });
    kill(owner, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(owner, &status, 0), owner);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
    ASSERT_TRUE(lived);
  }

  // While the owner works: what is read was the value at some moment of the read.
  void ReadBeside(Reader& reader, uint64_t key) {
    const uint64_t acknowledged = board().acknowledged[key].load(std::memory_order_seq_cst);
    Found found;
    const ReadResult result = reader.Get(KeyOf(key), read_, found);
    const uint64_t intended = board().intended[key].load(std::memory_order_seq_cst);
    if (result == ReadResult::kHit) {
      const uint64_t version = VersionOf(key, read_);
      ++reads_;
      if (!IsThere(version) || version < acknowledged || version > intended) ++wrong_reads_;
    } else if (result == ReadResult::kMiss && !GetParam().evicts) {
      // All versions of that time were there.
      const bool was_there = intended < NextDelete(acknowledged) && IsThere(acknowledged);
      if (was_there) ++wrong_reads_;
    }
  }

  void CheckKey(Store& store, Reader& reader, uint64_t key) {
    const uint64_t acknowledged = board().acknowledged[key].load(std::memory_order_relaxed);
    const uint64_t intended = board().intended[key].load(std::memory_order_relaxed);
    StoredValue value;
    const std::string seen = store.Get(KeyOf(key), value) ? value.value : "(miss)";
    const auto is = [&](uint64_t version) {
      return seen == (IsThere(version) ? ValueOf(key, version) : "(miss)");
    };
    const bool was_evicted =
        GetParam().evicts && seen == "(miss)" && !is(intended) && !is(acknowledged);
    ASSERT_TRUE(is(acknowledged) || is(intended) || was_evicted)
        << KeyOf(key) << " is " << seen.substr(0, 20) << ", acknowledged " << acknowledged
        << ", intended " << intended;
    found_ += seen != "(miss)";
    evicted_ += was_evicted;
    std::string read;
    Found found;
    if (reader.Get(KeyOf(key), read, found) == ReadResult::kMiss) read = "(miss)";
    ASSERT_EQ(read, seen);
    // What was in flight is decided now, and what was evicted is as good as deleted.
    const uint64_t version = is(intended)  ? intended
                             : was_evicted ? NextDelete(intended)
                                           : acknowledged;
    board().intended[key].store(version, std::memory_order_relaxed);
    board().acknowledged[key].store(version, std::memory_order_relaxed);
  }

  // The next owner.
  void CheckAll(Reader& reader) {
    const int64_t begin_ns = MonotonicNs();
    const auto store = OpenStore();
    reopen_ns_ += MonotonicNs() - begin_ns;
    ASSERT_TRUE(store->Report().is_warm) << store->Report().cold_reason;
    for (uint64_t key = 0; key < kKeys; ++key) {
      ASSERT_NO_FATAL_FAILURE(CheckKey(*store, reader, key));
    }
  }

  Board& board() { return *reinterpret_cast<Board*>(board_.Bytes().data()); }

  SharedMapping shard_{GetParam().limits.shard_bytes};
  SharedMapping board_{sizeof(Board)};
  std::string read_;
  uint64_t reads_ = 0;        // Hits, while the owner worked.
  uint64_t wrong_reads_ = 0;  // Torn, stale, resurrected or lost.
  uint64_t found_ = 0;        // After deaths.
  uint64_t evicted_ = 0;
  int64_t reopen_ns_ = 0;
};

TEST_P(KillLoopTest, EveryAcknowledgedWriteIsThereAndNothingElse) {
  const auto kills = static_cast<uint32_t>(FromEnvironment("KILL_LOOP_KILLS", kKills));
  std::minstd_rand random(9);
  OpenStore();
  auto reader = Reader::Attach(shard_.Bytes(), [] { return int64_t{0}; });
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  reader->OwnerWasHeard();
  for (uint32_t kill = 1; kill <= kills; ++kill) {
    SCOPED_TRACE(testing::Message() << "kill " << kill);
    ASSERT_NO_FATAL_FAILURE(LiveAndDie(*reader, kill, 1 + random() % kMostOperationsOfALife));
    ASSERT_NO_FATAL_FAILURE(CheckAll(*reader));
    ASSERT_EQ(wrong_reads_, 0u);
  }
  EXPECT_GT(reads_, kills);
  EXPECT_GT(found_, kills);
  EXPECT_EQ(evicted_ > kills, GetParam().evicts);
  printf("%u kills, %lu operations, %lu reads, %lu found, %lu evicted, %ld us to open\n", kills,
         static_cast<unsigned long>(board().operations.load()), static_cast<unsigned long>(reads_),
         static_cast<unsigned long>(found_), static_cast<unsigned long>(evicted_),
         static_cast<long>(reopen_ns_ / kills / kNsPerUs));
}

INSTANTIATE_TEST_SUITE_P(Shards, KillLoopTest, testing::ValuesIn(kKinds),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace tombolo::kvcache
