// OwnedShards: the stores of all shards, for the threads of one process.
//
// A shard has one writer at a time: whoever holds its mutex. Readers need none: they load the
// shard's memory as any other process does (kvcache/client). Why mutexes and not a thread for each
// shard: docs/adr/0011-a-mutex-for-each-shard.md.
//
// Thread safety: all functions, any thread, after Open().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"
#include "kvcache/protocol/backend.h"
#include "kvcache/server/memory_file.h"
#include "kvcache/server/server_clock.h"
#include "kvcache/store/eviction_listener.h"
#include "kvcache/store/store.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {

struct alignas(kCacheLineBytes) OwnedShard {
  std::mutex mutex;
  std::unique_ptr<Store> store;  // Guarded by mutex.
};

class OwnedShards {
 public:
  // Takes over what the shards hold, or formats them; the log says which. The size of a shard and
  // the seed in `options` do not matter: it is the file's, and random. `file` and `clock` must
  // outlive it. InvalidArgument: the limits do not fit a shard.
  static absl::StatusOr<std::unique_ptr<OwnedShards>> Open(MemoryFile& file, StoreOptions options,
                                                           ServerClock& clock);

  uint32_t Count() const { return file_.Shape().shard_count; }
  uint32_t ShardOf(std::string_view key) const { return file_.Shape().ShardOf(key); }
  OwnedShard& At(uint32_t shard) { return shards_[shard]; }
  std::span<const std::byte> Memory(uint32_t shard) const { return file_.ShardMemory(shard); }
  uint32_t NowS() { return clock_.NowS(); }

  // Whether an item of that size may be stored; the same for all shards.
  bool Fits(uint64_t key_bytes, uint64_t value_bytes) const;

  // To be called twice a second.
  void Tick();

  // One shard after the other: what is stored meanwhile may be gone or not.
  void FlushAll(int64_t when);

  // Of all of them together: each may fill its share. False, and nothing has changed: one of them
  // needs more than that, or has less.
  bool LimitMemory(uint64_t bytes);

  // Before others ask for anything. `listener` must outlive it.
  void TellEvictionsTo(EvictionListener& listener);

  // The sums.
  BackendFacts Facts();

 private:
  OwnedShards(MemoryFile& file, ServerClock& clock);

  MemoryFile& file_;
  ServerClock& clock_;
  std::unique_ptr<OwnedShard[]> shards_;
  uint32_t item_max_bytes_ = 0;
};

}  // namespace tombolo::kvcache
