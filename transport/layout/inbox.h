// Inboxes: a matrix of bytes, one row per receiving endpoint, one column per sending endpoint.
//
// A sender that finds its link parked (or has just made it) changes its own byte in the receiver's
// row. The receiver compares the row with a private copy; it never writes there, so every byte has
// one writer. A byte can't come round to its old value unseen: every change goes with a message
// that the receiver has not consumed, and a lane holds fewer than 256 messages.
//
// Bytes of one row share cache lines between senders. That costs only where links are parked, which
// is where nobody is in a hurry.
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/layout/shared_word.h"

namespace tombolo {

// The byte of `sender` in the row of `receiver`, in bytes from the start of the inboxes.
constexpr uint64_t InboxByteIndex(uint32_t receiver, uint32_t sender, uint32_t endpoint_count) {
  return uint64_t{receiver} * endpoint_count + sender;
}

}  // namespace tombolo
