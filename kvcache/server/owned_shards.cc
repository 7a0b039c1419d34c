#include "kvcache/server/owned_shards.h"

#include <sys/mman.h>

#include <utility>

#include "kvcache/layout/item.h"
#include "kvcache/protocol/store_backend.h"
#include "kvcache/server/random_seed.h"
#include "spdlog/spdlog.h"

namespace tombolo::kvcache {
namespace {

void LogReport(uint32_t shard, const OpenReport& report) {
  if (!report.is_warm) {
    spdlog::info("shard {} begins empty: {}", shard, report.cold_reason);
    return;
  }
  spdlog::info("shard {} is warm: {} items, {} slots led nowhere", shard, report.items,
               report.dropped_slots);
}

void Add(const BackendFacts& part, BackendFacts& sum) {
  sum.items += part.items;
  sum.bytes += part.bytes;
  sum.limit_bytes += part.limit_bytes;
  sum.segment_bytes = part.segment_bytes;
  sum.item_max_bytes = part.item_max_bytes;
  sum.evicted_items += part.evicted_items;
  sum.expired_items += part.expired_items;
  sum.flushed_items += part.flushed_items;
}

}  // namespace

OwnedShards::OwnedShards(MemoryFile& file, ServerClock& clock)
    : file_(file), clock_(clock), shards_(std::make_unique<OwnedShard[]>(Count())) {}

absl::StatusOr<std::unique_ptr<OwnedShards>> OwnedShards::Open(MemoryFile& file,
                                                               StoreOptions options,
                                                               ServerClock& clock) {
  std::unique_ptr<OwnedShards> shards(new OwnedShards(file, clock));
  options.limits.shard_bytes = file.Shape().shard_bytes;
  shards->item_max_bytes_ = options.limits.item_max_bytes;
  for (uint32_t shard = 0; shard < shards->Count(); ++shard) {
    const absl::StatusOr<uint64_t> seed = RandomSeed();
    if (!seed.ok()) return seed.status();
    options.hash_seed = *seed;
    absl::StatusOr<std::unique_ptr<Store>> store =
        Store::Open(file.ShardMemory(shard), options, [&clock] { return clock.NowS(); });
    if (!store.ok()) return store.status();
    LogReport(shard, (*store)->Report());
    // The owner before may have had a clock that was ahead.
    clock.AtLeast((*store)->NowS());
    shards->At(shard).store = *std::move(store);
  }
  return shards;
}

bool OwnedShards::Fits(uint64_t key_bytes, uint64_t value_bytes) const {
  return value_bytes <= UINT32_MAX && ItemBytes(key_bytes, value_bytes) <= item_max_bytes_;
}

void OwnedShards::Tick() {
  for (uint32_t shard = 0; shard < Count(); ++shard) {
    const std::lock_guard lock(shards_[shard].mutex);
    Store& store = *shards_[shard].store;
    store.Tick();
    // Back to the system. Where that cannot be they stay, which does no harm.
    for (const std::span<std::byte> bytes : store.TakeGivenUp()) {
      madvise(bytes.data(), bytes.size(), MADV_REMOVE);
    }
  }
}

bool OwnedShards::LimitMemory(uint64_t bytes) {
  // They are of one size: what the first one takes all of them take.
  for (uint32_t shard = 0; shard < Count(); ++shard) {
    const std::lock_guard lock(shards_[shard].mutex);
    if (!shards_[shard].store->LimitMemory(bytes / Count())) return false;
  }
  return true;
}

void OwnedShards::FlushAll(int64_t when) {
  for (uint32_t shard = 0; shard < Count(); ++shard) {
    const std::lock_guard lock(shards_[shard].mutex);
    shards_[shard].store->FlushAll(when);
  }
}

void OwnedShards::TellEvictionsTo(EvictionListener& listener) {
  for (uint32_t shard = 0; shard < Count(); ++shard) {
    const std::lock_guard lock(shards_[shard].mutex);
    shards_[shard].store->TellEvictionsTo(&listener);
  }
}

BackendFacts OwnedShards::Facts() {
  BackendFacts sum;
  for (uint32_t shard = 0; shard < Count(); ++shard) {
    const std::lock_guard lock(shards_[shard].mutex);
    Add(StoreBackend(*shards_[shard].store).Facts(), sum);
  }
  return sum;
}

}  // namespace tombolo::kvcache
