#include "transport/device/legacy/pin_interrupts.h"

#include <cstddef>
#include <cstdint>

#include "transport/base/ring_eventfd.h"

namespace tombolo {
namespace {

// Vector 0 tells of membership, the rest are doorbells.
constexpr size_t kMembershipVector = 0;
constexpr size_t kFirstDoorbellVector = 1;

}  // namespace

void PinInterrupts::Enable() {
  // SUBTLE: read before it is unmasked. A device that was used before may hold a status, and the
  // pin would be up at once for it.
  registers_.Read(kIntrStatusRegister);
  registers_.Write(kIntrMaskRegister, kAllInterrupts);
}

void PinInterrupts::Disable() { registers_.Write(kIntrMaskRegister, 0); }

bool PinInterrupts::OnPin() {
  const uint32_t status = registers_.Read(kIntrStatusRegister);  // Once: reading clears it.
  if (status == 0) return false;
  RingFrom(status == kStatusJoined ? kMembershipVector : kFirstDoorbellVector);
  return true;
}

void PinInterrupts::RingFrom(size_t first_vector) const {
  for (size_t vector = first_vector; vector < eventfds_.size(); ++vector) {
    RingEventfd(eventfds_[vector]);
  }
}

}  // namespace tombolo
