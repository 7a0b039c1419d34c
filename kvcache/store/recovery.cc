#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "kvcache/layout/superblock.h"
#include "kvcache/store/store.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

// Counters that no owner could have brought so far.
constexpr uint64_t kMaxCounter = uint64_t{1} << 62;
// Two owners' clocks may differ by so much.
constexpr uint32_t kMaxClockStepS = 3600;

absl::Status CheckMemory(std::span<std::byte> memory) {
  if (reinterpret_cast<uintptr_t>(memory.data()) % kCacheLineBytes == 0) return absl::OkStatus();
  return absl::InvalidArgumentError("the memory of a shard must be aligned to 64 bytes.");
}

template <typename T>
absl::Status Expect(const char* what, T seen, T expected) {
  if (seen == expected) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(what, " is ", seen, ", expected ", expected, "."));
}

absl::Status ExpectAtMost(const char* what, uint64_t seen, uint64_t most) {
  if (seen <= most) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(what, " is ", seen, ", which is over ", most, "."));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> Store::Open(std::span<std::byte> memory,
                                                   const StoreOptions& options, UnixClock clock) {
  if (absl::Status status = CheckMemory(memory); !status.ok()) return status;
  ShardLimits limits = options.limits;
  if (limits.shard_bytes == 0) limits.shard_bytes = memory.size();
  if (limits.shard_bytes > memory.size()) {
    return absl::InvalidArgumentError(absl::StrCat("a shard of ", limits.shard_bytes,
                                                   " bytes does not fit into memory of ",
                                                   memory.size(), " bytes."));
  }
  const absl::StatusOr<ShardGeometry> geometry = ComputeShardGeometry(limits);
  if (!geometry.ok()) return geometry.status();
  const Shard shard(memory, *geometry);
  // The constructor is private, for whom make_unique is nobody.
  auto store = std::unique_ptr<Store>(new Store(shard, clock));
  store->never_evicts_ = options.never_evicts;
  const absl::Status recovered = store->Recover();
  if (recovered.ok()) return store;
  // What it took over may be nonsense: a new one knows nothing of it.
  store = std::unique_ptr<Store>(new Store(shard, std::move(clock)));
  store->never_evicts_ = options.never_evicts;
  store->report_.cold_reason = std::string(recovered.message());
  store->Format(options.hash_seed);
  return store;
}

// SUBTLE: the epoch changes before anything else does, and every later store is a release: a reader
// who has seen any of them finds the new epoch after its copy.
void Store::Format(uint64_t hash_seed) {
  superblock_.magic.store(0, std::memory_order_release);
  const uint64_t epoch = superblock_.epoch.load(std::memory_order_acquire);
  superblock_.epoch.store(epoch + 1, std::memory_order_seq_cst);
  index_.Format();
  log_.Format();
  seed_ = hash_seed;
  now_s_ = clock_();
  // Clients may hold numbers of the shard that was here.
  const uint64_t cas_limit = superblock_.cas_limit.load(std::memory_order_acquire);
  if (cas_limit <= kMaxCounter) last_cas_ = cas_limit_ = cas_limit;
  const ShardShape& shape = shard_.Shape();
  superblock_.layout_version.store(kShardLayoutVersion, std::memory_order_release);
  superblock_.header_bytes.store(sizeof(Superblock), std::memory_order_release);
  superblock_.shard_bytes.store(shard_.Geometry().end.bytes, std::memory_order_release);
  superblock_.bucket_count.store(shape.bucket_count, std::memory_order_release);
  superblock_.segment_count.store(shape.segment_count, std::memory_order_release);
  superblock_.item_max_bytes.store(shape.item_max_bytes, std::memory_order_release);
  superblock_.segment_bytes.store(shape.segment_bytes, std::memory_order_release);
  superblock_.hash_seed.store(seed_, std::memory_order_release);
  superblock_.flush_cas.store(0, std::memory_order_release);
  superblock_.flush_at_s.store(0, std::memory_order_release);
  superblock_.heartbeat.store(0, std::memory_order_release);
  superblock_.now_s.store(now_s_, std::memory_order_release);
  superblock_.cas_limit.store(cas_limit_, std::memory_order_release);
  superblock_.moving_slot.store(0, std::memory_order_release);
  // Release: pairs with the acquire of whoever attaches.
  superblock_.magic.store(kShardMagic, std::memory_order_release);
}

// Takes over what the owner before left. DataLoss says what made it impossible; then nothing of
// value was changed, or lost that was not lost before.
absl::Status Store::Recover() {
  if (absl::Status status = CheckSuperblock(); !status.ok()) return status;
  const uint32_t now_s = clock_();
  const uint32_t then_s = superblock_.now_s.load(std::memory_order_acquire);
  if (then_s > now_s && then_s - now_s > kMaxClockStepS) {
    return absl::DataLossError(
        absl::StrCat("its time is ", then_s, " s, but the clock says ", now_s, " s."));
  }
  now_s_ = std::max(now_s, then_s);
  seed_ = superblock_.hash_seed.load(std::memory_order_acquire);
  cas_limit_ = superblock_.cas_limit.load(std::memory_order_acquire);
  flush_cas_ = superblock_.flush_cas.load(std::memory_order_acquire);
  flush_at_s_ = superblock_.flush_at_s.load(std::memory_order_acquire);
  heartbeat_ = superblock_.heartbeat.load(std::memory_order_acquire);
  const uint64_t epoch = superblock_.epoch.load(std::memory_order_acquire);
  absl::Status status = ExpectAtMost("the limit of CAS numbers", cas_limit_, kMaxCounter);
  status.Update(ExpectAtMost("the flush watermark", flush_cas_, cas_limit_));
  status.Update(ExpectAtMost("the epoch", epoch, kMaxCounter));
  status.Update(log_.Load());
  if (!status.ok()) return status;
  last_cas_ = cas_limit_;
  RecoverSegments();
  superblock_.now_s.store(now_s_, std::memory_order_release);
  superblock_.epoch.store(epoch + 1, std::memory_order_release);
  return absl::OkStatus();
}

void Store::RecoverSegments() {
  // First the slots, then the generations: the order of any recycling.
  report_.dropped_slots = index_.Load();
  FinishMove();
  log_.FinishRecycling();
  report_.is_warm = true;
  report_.items = index_.UsedCount();
}

absl::Status Store::CheckSuperblock() const {
  // Acquire: pairs with the release at the end of Format(), and orders the loads that follow.
  const uint64_t magic = superblock_.magic.load(std::memory_order_acquire);
  if (magic == 0) return absl::DataLossError("the memory holds no shard.");
  const auto acquire = std::memory_order_acquire;
  const ShardShape& shape = shard_.Shape();
  absl::Status status = Expect("the magic", magic, kShardMagic);
  status.Update(
      Expect("the layout version", superblock_.layout_version.load(acquire), kShardLayoutVersion));
  status.Update(Expect("the size of the superblock", superblock_.header_bytes.load(acquire),
                       uint32_t{sizeof(Superblock)}));
  status.Update(Expect("the size of the shard", superblock_.shard_bytes.load(acquire),
                       shard_.Geometry().end.bytes));
  status.Update(
      Expect("the number of buckets", superblock_.bucket_count.load(acquire), shape.bucket_count));
  status.Update(Expect("the number of segments", superblock_.segment_count.load(acquire),
                       shape.segment_count));
  status.Update(Expect("the size of a segment", superblock_.segment_bytes.load(acquire),
                       shape.segment_bytes));
  status.Update(
      Expect("the largest item", superblock_.item_max_bytes.load(acquire), shape.item_max_bytes));
  return status;
}

}  // namespace tombolo::kvcache
