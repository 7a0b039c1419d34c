// WorkerBackend: what the sessions of one worker ask for items.
//
//   Get, Describe: the shard's memory, by a Reader, without a lock -> a hit is answered
//                  else: the store, under the shard's mutex
//   all others:    the store, under the shard's mutex
//
// What has expired or is to be flushed is known to a reader once its owner has told the time: the
// first who reads a shard in a new second sees to that.
//
// Asked of the store too: the first use of an item, which it has to mark as fetched. Of the later
// uses it is told by samples, when its mutex is taken anyway, or is free; those are hints for the
// eviction, and some are lost.
//
// Not thread-safe: one for each worker; but any thread may read LockFreeHits().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "kvcache/client/reader.h"
#include "kvcache/protocol/backend.h"
#include "kvcache/protocol/counter.h"
#include "kvcache/server/owned_shards.h"

namespace tombolo::kvcache {

class WorkerBackend final : public Backend {
 public:
  // `shards` must outlive it.
  static absl::StatusOr<std::unique_ptr<WorkerBackend>> Create(OwnedShards& shards);

  bool Get(std::string_view key, StoredValue& value, GetUse use) override;
  bool GetTo(std::string_view key, StoredValue& item, GetUse use, ValueTarget& target) override;
  bool Describe(std::string_view key, StoredValue& value, GetUse use) override;
  StoreAnswer Put(const PutRequest& request) override;
  StoreAnswer Count(const CountRequest& request) override;
  StoreAnswer Remove(const RemoveRequest& request) override;
  StoreAnswer Visit(const VisitRequest& request, StoredValue& seen) override;
  bool FlushAll(int64_t when) override {
    shards_.FlushAll(when);
    return true;
  }
  bool Fits(uint64_t key_bytes, uint64_t value_bytes) override {
    return shards_.Fits(key_bytes, value_bytes);
  }
  uint32_t NowS() override { return shards_.NowS(); }
  BackendFacts Facts() override { return shards_.Facts(); }
  WalkStep Walk(WalkPlace& place, std::string& key, StoredValue& item) override;
  bool LimitMemory(uint64_t bytes) override { return shards_.LimitMemory(bytes); }

  void Expect(std::span<const std::string_view> keys) override;
  void Touched(uint32_t shard, uint64_t slot) override;
  uint64_t LockFreeHits() const override { return lock_free_hits_.Get(); }

 private:
  static constexpr uint32_t kHitsPerSample = 4;
  static constexpr size_t kMaxSamples = 32;

  // A shard as this worker sees it.
  struct Lane {
    Reader reader;
    std::array<uint64_t, kMaxSamples> samples = {};  // Slots.
    size_t sample_count = 0;
    uint32_t told_s = 0;  // The time that its owner has told the readers at least.
  };

  // The store of a key's shard, for as long as it lives.
  class Owner {
   public:
    Owner(WorkerBackend& backend, uint32_t shard);
    Store* operator->() const { return store_; }

   private:
    std::unique_lock<std::mutex> lock_;
    Store* store_;
  };

  explicit WorkerBackend(OwnedShards& shards) : shards_(shards) {}

  Owner OwnerOf(std::string_view key) { return Owner(*this, shards_.ShardOf(key)); }
  void TellTime(uint32_t shard);
  bool IsRead(uint32_t shard, ReadResult result, const Found& found, StoredValue& value,
              GetUse use);
  static bool Takes(ReadResult result, const Found& found, StoredValue& value, GetUse use);
  void CountHit(uint32_t shard, uint64_t slot, GetUse use);
  void Sample(uint32_t shard, uint64_t slot);
  void Keep(uint32_t shard, uint64_t slot);
  void TellSamples(uint32_t shard, Store& store);

  OwnedShards& shards_;
  std::vector<Lane> lanes_;
  uint32_t hits_until_sample_ = kHitsPerSample;
  Counter lock_free_hits_;
};

}  // namespace tombolo::kvcache
