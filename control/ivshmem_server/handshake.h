// Handshake: what the server says to a client that takes a slot, message by message (QEMU,
// docs/specs/ivshmem-spec.rst, "ivshmem Client-Server protocol", version 0).
//
//   number of messages   value        descriptor
//                    1   0 (version)  -
//                    1   own slot     -
//                    1   -1           the region
//    (slots - 1)*vectors another slot that slot's eventfd of vector 0, 1, ...; slots in order
//              vectors   own slot     own eventfd of vector 0, 1, ...
//
// All other slots are announced, also vacant ones and the host's: QEMU cannot be told of a slot
// that goes and comes back (it frees what it knew of the slot and later writes there), so it is
// told of all slots once, and never of any change.
//
// A client that cannot have a slot gets one message only, an impossible version: -EBUSY (somebody
// has that slot) or -ENOSPC (all slots are taken). -ETIMEDOUT ends a handshake that took too long.
//
// It is a function of (table, region, slot): a client's place in it is one number, and nothing is
// copied per client. Thread safety: immutable.
#pragma once

#include <cstdint>

#include "control/doorbells/doorbell_table.h"

namespace tombolo::control {

inline constexpr int64_t kIvshmemProtocolVersion = 0;
inline constexpr int64_t kIvshmemMemoryMessage = -1;

struct HandshakeMessage {
  int64_t value = 0;
  int fd = -1;  // None. Stays the table's or the region's.
};

class Handshake {
 public:
  // `doorbells` must outlive it; slot < doorbells.SlotCount().
  Handshake(const DoorbellTable& doorbells, int memory_fd, uint32_t slot)
      : doorbells_(doorbells), memory_fd_(memory_fd), slot_(slot) {}

  uint32_t MessageCount() const;

  // index < MessageCount().
  HandshakeMessage Message(uint32_t index) const;

 private:
  const DoorbellTable& doorbells_;
  int memory_fd_;
  uint32_t slot_;
};

}  // namespace tombolo::control
