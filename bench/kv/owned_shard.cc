#include "bench/kv/owned_shard.h"

#include <sys/mman.h>

#include <string>
#include <utility>

#include "bench/transport/cores.h"
#include "bench/transport/require.h"
#include "kvcache/server/shard_sizes.h"
#include "transport/base/clock.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"

namespace tombolo::bench {
namespace {

constexpr uint64_t kShardBytes = 256 * kMiB;
constexpr int kCollapse = 25;  // MADV_COLLAPSE: tombolo-kv -L uses it.

const std::string& Value() {
  static const std::string value(kValueBytes, 'v');
  return value;
}

}  // namespace

OwnedShard::OwnedShard(Pages pages, int core) {
  const UniqueFd file = Require(CreateSealedMemfd("tombolo-bench", kShardBytes));
  mapping_ = Require(Mapping::Map(file.Get(), 0, kShardBytes));
  if (pages == Pages::kLarge) {
    has_pages_ = madvise(mapping_.Bytes().data(), kShardBytes, kCollapse) == 0;
  }
  Open();
  Fill();
  thread_ = std::thread([this, core] { Serve(core); });
}

OwnedShard::~OwnedShard() {
  Tell(kEnd);
  thread_.join();
}

void OwnedShard::Open() {
  kvcache::ShardLimits limits{.shard_bytes = kShardBytes,
                              .expected_item_bytes = kKeyBytes + kValueBytes};
  // As tombolo-kv has it.
  limits.segment_bytes = kvcache::SegmentBytesFor(kShardBytes, limits.item_max_bytes);
  const kvcache::StoreOptions options{.limits = limits};
  store_ = Require(kvcache::Store::Open(mapping_.Bytes(), options, [] { return 1000u; }));
}

double OwnedShard::ReopenMs() {
  store_ = nullptr;
  const int64_t begin_ns = MonotonicNs();
  Open();
  const int64_t end_ns = MonotonicNs();
  if (!store_->Report().is_warm) Fail("the shard was lost: " + store_->Report().cold_reason);
  return static_cast<double>(end_ns - begin_ns) / kNsPerMs;
}

void OwnedShard::Fill() {
  for (size_t i = 0; i < kItems; ++i) store_->Set(KeyOf(i).View(), Value(), 0, 0);
}

kvcache::Reader OwnedShard::MakeReader() const {
  // The clock is asked all the same.
  auto reader =
      Require(kvcache::Reader::Attach(Memory(), [] { return kvcache::CoarseMonotonicNs() * 0; }));
  reader.OwnerWasHeard();
  return reader;
}

void OwnedShard::WriteEvery(int64_t period_ns, std::span<const Key> keys) {
  period_ns_ = period_ns;
  keys_ = keys;
  owed_.store(0, std::memory_order_relaxed);
  Tell(kWrite);
  is_resting_.wait(true, std::memory_order_acquire);
}

// Relaxed: a number, with one writer.
void OwnedShard::Owe(uint64_t sets) {
  owed_.store(owed_.load(std::memory_order_relaxed) + sets, std::memory_order_relaxed);
}

uint64_t OwnedShard::Rest() {
  Tell(kRest);
  is_resting_.wait(false, std::memory_order_acquire);
  return sets_;
}

// Release: pairs with Serve.
void OwnedShard::Tell(Order order) {
  order_.store(order, std::memory_order_release);
  order_.notify_one();
}

void OwnedShard::Serve(int core) {
  PinTo(core);
  for (;;) {
    order_.wait(kRest, std::memory_order_acquire);
    if (order_.load(std::memory_order_acquire) == kEnd) return;
    TellResting(false);
    Write();
    TellResting(true);
  }
}

// Release: pairs with WriteEvery and Rest.
void OwnedShard::TellResting(bool is_resting) {
  is_resting_.store(is_resting, std::memory_order_release);
  is_resting_.notify_one();
}

void OwnedShard::Write() {
  const int64_t begin_ns = MonotonicNs();
  sets_ = 0;
  // Relaxed: Serve looks again.
  while (order_.load(std::memory_order_relaxed) == kWrite) {
    if (!IsDue(sets_, begin_ns)) continue;
    store_->Set(keys_[sets_ % keys_.size()].View(), Value(), 0, 0);
    ++sets_;
  }
}

bool OwnedShard::IsDue(uint64_t sets, int64_t begin_ns) const {
  if (period_ns_ == 0) return sets < owed_.load(std::memory_order_relaxed);
  return MonotonicNs() - begin_ns >= static_cast<int64_t>(sets) * period_ns_;
}

}  // namespace tombolo::bench
