// BulkPool: the chunks of 32 KiB that large messages of one endpoint travel in, shared by all of
// its links.
//
// Chunks are used first in, first out. The pool begins with one segment of 256 KiB and grows by
// another each time its chunks have been used a few times over, up to a target; never more than
// leaves half of the region free. It is not more for several receivers: the pools of all senders
// together would not fit into the L3. What is idle goes back (Trim()).
//
// The target is a matter of the host's caches (docs/adr/0008). Where L2 is small, four times L2: by
// the time a chunk is written again its lines have drained from the receiver's cache to the shared
// L3, which is where writing them is cheap. Where L2 is large, L3 is far away: half of L2, so that
// chunks stay where they are. An emulated processor looks up each page in a table of its emulator:
// one segment.
//
// It knows nothing of messages: which chunk a receiver still reads is its link's business
// (out_link.h). Not thread-safe; used by Channel only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "transport/alloc/extent_map.h"
#include "transport/region/region.h"

namespace tombolo {

class BulkPool {
 public:
  // Up to so many receivers none can take the chunks of all others; more of them share.
  static constexpr uint32_t kMostShares = 4;

  // `extents` must outlive it. `owner`: of the extents.
  BulkPool(const Region& region, ExtentMap& extents, uint16_t owner);

  // The target on a host with these caches, in bytes; a cache of 0 bytes is not known.
  static uint64_t DefaultTargetBytes(const CacheSizes& caches, bool is_processor_emulated);

  // Another target, in whole segments and at least one. Chunks that there are already stay.
  void SetTarget(uint64_t bytes);

  // A link begins or ceases to send in chunks. After the last one Trim() gives everything back.
  void AddReceiver() { ++receivers_; }
  void RemoveReceiver() { --receivers_; }
  bool HasReceivers() const { return receivers_ != 0; }

  // Takes the chunk that was given back longest ago and gives its first extent; nothing when all
  // are in use and the region has no more to spare.
  std::optional<uint32_t> Take();

  // What Take() will give; nothing when it would have to grow.
  std::optional<uint32_t> Next() const {
    if (free_count_ == 0) return std::nullopt;
    return free_[free_first_];
  }

  // `chunk` is not read any more.
  void GiveBack(uint32_t chunk);

  // Gives segments to others of which no chunk is in use.
  void Trim();

  bool HasFree() const { return free_count_ != 0; }
  uint32_t ChunkCount() const { return chunk_count_; }

  // How many chunks each receiver may hold.
  uint32_t Share() const;

 private:
  bool WantsToGrow() const;
  bool MayTakeMore();
  bool Grow();
  void Push(uint32_t chunk);

  Region region_;
  ExtentMap& extents_;
  const uint16_t owner_;
  uint32_t target_chunks_ = 0;
  uint32_t receivers_ = 0;
  std::vector<uint32_t> segments_;
  std::vector<uint32_t> free_;  // A ring: free_count_ chunks from free_first_ on.
  uint32_t free_first_ = 0;
  uint32_t free_count_ = 0;
  uint32_t chunk_count_ = 0;
  uint32_t uses_until_growth_ = 0;
  uint32_t refusals_until_scan_ = 0;  // A region that was full may have room later.
};

}  // namespace tombolo
