// What a child says to its holder: one packet per request over a SOCK_SEQPACKET pair, with one
// descriptor attached to kStore. There are no replies. None is needed: once a packet is in the
// holder's queue it is there whether or not the child lives, and the holder empties the queue
// before it starts the next child.
#pragma once

#include <cstddef>
#include <cstdint>

#include "control/holder/descriptor_store.h"

namespace tombolo::control {

enum class HolderOp : uint32_t { kStore = 1, kRemove = 2, kReady = 3 };

struct HolderRequest {
  HolderOp op = HolderOp::kReady;
  uint32_t reserved = 0;
  char name[kMaxDescriptorNameBytes + 1] = {};  // Zero-terminated.
};

static_assert(sizeof(HolderRequest) == 128);

}  // namespace tombolo::control
