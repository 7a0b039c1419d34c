// OwnedShard: a shard in shared memory with all items of asked_keys.h, and a thread that owns it
// and writes while it is told to. Whatever goes wrong ends the bench.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "bench/kv/asked_keys.h"
#include "kvcache/client/reader.h"
#include "kvcache/shard/geometry.h"
#include "kvcache/store/store.h"
#include "transport/device/mapping.h"

namespace tombolo::bench {

enum class Pages { kSmall, kLarge };

class OwnedShard {
 public:
  // Filled, by this thread. `core`: of the owner's thread, later.
  OwnedShard(Pages pages, int core);
  OwnedShard(const OwnedShard&) = delete;
  OwnedShard& operator=(const OwnedShard&) = delete;
  ~OwnedShard();

  // Whether it has the pages that were wanted.
  bool HasPages() const { return has_pages_; }

  // One whose clock stands still: the owner sleeps between two measurements.
  kvcache::Reader MakeReader() const;

  std::span<std::byte> Memory() const { return mapping_.Bytes(); }

  const kvcache::ShardGeometry& Geometry() const { return store_->Geometry(); }

  // For whoever is sure that the owner does nothing.
  kvcache::Store& TheStore() { return *store_; }

  // Milliseconds in which the next owner takes the shard over. The same goes for it.
  double ReopenMs();

  // The owner begins to set items, in the order of `keys`, one every `period_ns`, until Rest().
  void WriteEvery(int64_t period_ns, std::span<const Key> keys);

  // The owner sets one item for each Owe(), until Rest().
  void WriteWhatIsOwed(std::span<const Key> keys) { WriteEvery(0, keys); }
  void Owe(uint64_t sets);

  // Returns when the owner does nothing any more. Gives how many it has set since it was told to.
  uint64_t Rest();

 private:
  enum Order : int { kRest, kWrite, kEnd };

  void Open();
  void Fill();
  void Serve(int core);
  void Write();
  bool IsDue(uint64_t sets, int64_t begin_ns) const;
  void Tell(Order order);
  void TellResting(bool is_resting);

  Mapping mapping_;
  bool has_pages_ = true;
  std::unique_ptr<kvcache::Store> store_;
  int64_t period_ns_ = 0;
  std::span<const Key> keys_;
  uint64_t sets_ = 0;
  std::atomic<uint64_t> owed_ = 0;
  std::atomic<int> order_ = kRest;
  std::atomic<bool> is_resting_ = true;
  std::thread thread_;
};

}  // namespace tombolo::bench
