#include "transport/device/legacy/simulated_bus.h"

#include <utility>

#include "transport/device/ivshmem_registers.h"

namespace tombolo {
namespace {

constexpr uint32_t kSlotShift = 16;
constexpr uint32_t kValueMask = 0xffff;

}  // namespace

void SimulatedBus::Join(uint16_t slot) {
  SimulatedRegisters& newcomer = devices_[slot];
  newcomer.joined = true;
  newcomer.mask = 0;
  newcomer.status = 0;
  for (SimulatedRegisters& device : devices_) {
    if (&device != &newcomer && device.joined) device.status = kStatusJoined;
  }
}

// Doorbells of nobody are lost, as on a real bus.
void SimulatedBus::Ring(uint32_t doorbell) {
  const uint32_t slot = doorbell >> kSlotShift;
  if (slot >= devices_.size() || !devices_[slot].joined) return;
  devices_[slot].status = doorbell & kValueMask;
}

uint32_t SimulatedBus::SimulatedRegisters::Read(uint64_t offset) {
  switch (offset) {
    case kIntrMaskRegister:
      return mask;
    case kIntrStatusRegister:
      return std::exchange(status, 0);
    case kIvPositionRegister:
      return slot_;
    default:
      return 0;
  }
}

void SimulatedBus::SimulatedRegisters::Write(uint64_t offset, uint32_t value) {
  switch (offset) {
    case kIntrMaskRegister:
      mask = value;
      return;
    case kIntrStatusRegister:
      status = value;
      return;
    case kDoorbellRegister:
      bus_->Ring(value);
      return;
    default:
      return;
  }
}

}  // namespace tombolo
