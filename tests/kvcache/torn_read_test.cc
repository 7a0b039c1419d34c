// A reader beside an owner who recycles the memory under its hands: three segments, values of 8 to
// 256 KiB. No value may come that is torn, or older than what was acknowledged before the read.
//
// In the environment: TORN_READ_HITS, how many reads at least.
#include <string.h>

#include <array>
#include <atomic>
#include <random>
#include <span>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "kvcache/client/reader.h"
#include "kvcache/shard/item_bytes.h"
#include "kvcache/store/store.h"
#include "tests/kvcache/shard_memory.h"
#include "tests/kvcache/stamped_value.h"
#include "tests/support/environment.h"
#include "tests/support/spin.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

constexpr uint64_t kKeys = 3;
constexpr int kEnoughHits = 2000;
constexpr uint64_t kEnoughRetries = 5;

std::string KeyOf(uint64_t number) { return "key" + std::to_string(number); }

size_t BytesOf(uint64_t version) { return (8 + version * 7919 % 248) * kKiB; }

class TornReadTest : public testing::Test {
 protected:
  TornReadTest() : memory_(kBytes) {
    auto store = Store::Open(memory_.Bytes(),
                             {.limits = {.shard_bytes = kBytes,
                                         .expected_item_bytes = 8 * kKiB,
                                         .segment_bytes = 512 * kKiB,
                                         .item_max_bytes = 512 * kKiB}},
                             [] { return 1000u; });
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    store_ = *std::move(store);
    EXPECT_EQ(store_->Geometry().shape.segment_count, 3u);
  }

  void Write() {
    std::minstd_rand random(1);
    std::string value;
    StoredValue seen;
    for (uint64_t version = 1; !is_over_.load(std::memory_order_relaxed); ++version) {
      const uint64_t key = random() % kKeys;
      FillStamped(value, {.version = version, .key = key}, BytesOf(version));
      if (store_->Set(KeyOf(key), value, 0, 0).result != StoreResult::kStored) ++failed_;
      acknowledged_[key].store(version, std::memory_order_release);
      store_->Tick();
      // Some are asked for, so that survivors are moved while they are read.
      if (random() % 4 == 0) store_->Get(KeyOf(random() % kKeys), seen);
    }
  }

  // One read; what is wrong about it is counted.
  void ReadOne(Reader& reader, uint64_t key) {
    Found found;
    const uint64_t acknowledged = acknowledged_[key].load(std::memory_order_acquire);
    if (reader.Get(KeyOf(key), value_, found) != ReadResult::kHit) return;
    const uint64_t version = VersionIn(value_, key, BytesOf, expected_);
    if (version == 0) {
      ++torn_;
    } else if (version < acknowledged) {
      ++stale_;
    }
  }

  // The same without a copy that the reader makes: what counts is what a valid view has shown.
  void LookAtOne(Reader& reader, uint64_t key) {
    View view;
    const uint64_t acknowledged = acknowledged_[key].load(std::memory_order_acquire);
    if (reader.Look(KeyOf(key), view) != ReadResult::kHit) return;
    value_.resize(view.value.size());
    CopyPlainly(view.value, value_);
    if (!reader.StillValid(view)) return void(++overwritten_views_);
    ++valid_views_;
    const uint64_t version = VersionIn(value_, key, BytesOf, expected_);
    torn_ += version == 0;
    stale_ += version != 0 && version < acknowledged;
  }

  // As any program does; ThreadSanitizer calls that a race, which it is.
  static void CopyPlainly(std::span<const std::byte> from, std::string& to) {
#if defined(__SANITIZE_THREAD__)
    LoadBytes(from.data(), std::as_writable_bytes(std::span(to)));
#else
    memcpy(to.data(), from.data(), from.size());
#endif
  }

  // Calls `read(reader, key)` until `done(counters)`; whether that came.
  template <typename Read, typename Done>
  bool ReadUntil(Read read, Done done) {
    auto reader = Reader::Attach(memory_.Bytes());
    reader->OwnerWasHeard();
    std::thread writer([this] { Write(); });
    std::minstd_rand random(2);
    const bool came = SpinUntil([&] {
      read(*reader, random() % kKeys);
      return done(reader->Counters());
    });
    is_over_.store(true, std::memory_order_relaxed);
    writer.join();
    return came;
  }

  static constexpr size_t kBytes = 3 * 512 * kKiB + 16 * kKiB;

  ShardMemory memory_;
  std::unique_ptr<Store> store_;
  std::array<std::atomic<uint64_t>, kKeys> acknowledged_{};
  std::atomic<bool> is_over_ = false;
  std::string value_;
  std::string expected_;
  uint64_t failed_ = 0;
  uint64_t torn_ = 0;
  uint64_t stale_ = 0;
  uint64_t valid_views_ = 0;
  uint64_t overwritten_views_ = 0;
};

TEST_F(TornReadTest, NoValueIsTornOrOlderThanWhatWasAcknowledged) {
  const auto enough_hits = static_cast<uint64_t>(FromEnvironment("TORN_READ_HITS", kEnoughHits));
  EXPECT_TRUE(ReadUntil([this](Reader& reader, uint64_t key) { ReadOne(reader, key); },
                        [enough_hits](const ReaderCounters& counters) {
                          return counters.hits >= enough_hits && counters.retries >= kEnoughRetries;
                        }));
  EXPECT_EQ(torn_, 0u);
  EXPECT_EQ(stale_, 0u);
  EXPECT_EQ(failed_, 0u);
}

TEST_F(TornReadTest, AViewThatIsStillValidShowedNothingTornOrOld) {
#if !defined(__x86_64__)
  GTEST_SKIP() << "there are no views where loads may be reordered (Reader::Look)";
#endif
  const auto enough = static_cast<uint64_t>(FromEnvironment("TORN_READ_HITS", kEnoughHits));
  EXPECT_TRUE(ReadUntil([this](Reader& reader, uint64_t key) { LookAtOne(reader, key); },
                        [&](const ReaderCounters&) {
                          return valid_views_ >= enough && overwritten_views_ >= kEnoughRetries;
                        }))
      << valid_views_ << " were valid, " << overwritten_views_ << " were not";
  EXPECT_EQ(torn_, 0u);
  EXPECT_EQ(stale_, 0u);
}

}  // namespace
}  // namespace tombolo::kvcache
