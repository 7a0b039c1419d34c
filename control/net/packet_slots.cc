#include "control/net/packet_slots.h"

namespace tombolo::control {

PacketSlots::PacketSlots(const RegionBuffer& buffer, size_t slot_bytes)
    : buffer_(buffer), slot_bytes_(slot_bytes) {
  const size_t count = buffer.bytes.size() / slot_bytes;
  for (size_t slot = count; slot-- > 0;) free_.push_back(static_cast<uint32_t>(slot));
}

}  // namespace tombolo::control
