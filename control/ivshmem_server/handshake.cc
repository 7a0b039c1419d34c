#include "control/ivshmem_server/handshake.h"

namespace tombolo::control {
namespace {

// Version, own slot, region.
constexpr uint32_t kSetupMessages = 3;

}  // namespace

uint32_t Handshake::MessageCount() const {
  return kSetupMessages + doorbells_.SlotCount() * doorbells_.VectorCount();
}

HandshakeMessage Handshake::Message(uint32_t index) const {
  if (index == 0) return {.value = kIvshmemProtocolVersion};
  if (index == 1) return {.value = slot_};
  if (index == 2) return {.value = kIvshmemMemoryMessage, .fd = memory_fd_};
  const uint32_t row = (index - kSetupMessages) / doorbells_.VectorCount();
  const uint32_t vector = (index - kSetupMessages) % doorbells_.VectorCount();
  // The rows are all slots in order, with the own one moved to the end.
  const bool is_last_row = row + 1 == doorbells_.SlotCount();
  const uint32_t slot = is_last_row ? slot_ : row < slot_ ? row : row + 1;
  return {.value = slot, .fd = doorbells_.Fd(slot, vector)};
}

}  // namespace tombolo::control
