// The bulk lane's bookkeeping: chunks of 32 KiB, claimed and released first in, first out. The
// memory itself is a run of the sender's extents; which message lies in which chunk travels through
// the small lane. Not thread-safe.
#pragma once

#include <cstdint>

#include "transport/base/units.h"
#include "transport/layout/link.h"

namespace tombolo {

class BulkLaneProducer {
 public:
  // A lane of `chunk_count` chunks; 0 for none yet.
  explicit BulkLaneProducer(uint32_t chunk_count = 0) : chunk_count_(chunk_count) {}

  uint32_t ChunkCount() const { return chunk_count_; }

  // Claims the next chunk and gives its index. False: all are in the receiver's hands.
  // Memory ordering: the acquire load pairs with the receiver's store of released_chunks, so it has
  // read the chunk.
  bool TryClaim(const Link& link, uint32_t& chunk) {
    if (claimed_ - released_ == chunk_count_) {
      LoadReleased(link, std::memory_order_acquire);
      if (claimed_ - released_ == chunk_count_) return false;
    }
    chunk = static_cast<uint32_t>(claimed_++ % chunk_count_);
    return true;
  }

  // Whether a claim would succeed now. seq_cst: looked at after credit_wanted was stored.
  bool HasRoom(const Link& link) {
    LoadReleased(link, std::memory_order_seq_cst);
    return claimed_ - released_ != chunk_count_;
  }

 private:
  void LoadReleased(const Link& link, std::memory_order order) {
    // A receiver that lies stops its own lane: nonsense counts as nothing released.
    const uint64_t seen = link.released_chunks.load(order);
    if (seen >= released_ && seen <= claimed_) released_ = seen;
  }

  uint32_t chunk_count_;
  uint64_t claimed_ = 0;
  uint64_t released_ = 0;
};

}  // namespace tombolo
