// PacketSlots: the memory of the region that frames travel in, cut into slots of equal size, one
// for each frame that waits or is being read by its receiver.
//
// One of them is always at hand for the next frame to be read into. What is used last is used
// again first: its lines are still in the cache. A receiver that gives nothing back holds at most
// as many as are left for the others, so it slows nobody down for good. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "transport/channel/channel.h"

namespace tombolo::control {

class PacketSlots {
 public:
  // `buffer` holds at least two slots of `slot_bytes`, and is the caller's.
  PacketSlots(const RegionBuffer& buffer, size_t slot_bytes);

  // The one at hand.
  uint32_t AtHand() const { return free_.back(); }

  // Whether somebody who holds `held` slots may have the one at hand too.
  bool MayHave(uint32_t held) const { return held + 1 < free_.size(); }

  // Takes the one at hand away: only if MayHave().
  void Take() { free_.pop_back(); }
  void GiveBack(uint32_t slot) { free_.push_back(slot); }

  uint64_t Offset(uint32_t slot) const { return uint64_t{slot} * slot_bytes_; }
  std::span<std::byte> Bytes(uint32_t slot) const {
    return buffer_.bytes.subspan(Offset(slot), slot_bytes_);
  }
  const RegionBuffer& Buffer() const { return buffer_; }

 private:
  const RegionBuffer buffer_;
  const size_t slot_bytes_;
  std::vector<uint32_t> free_;
};

}  // namespace tombolo::control
