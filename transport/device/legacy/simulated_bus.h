// SimulatedBus: ivshmem devices of the 2010 specification, as a hypervisor without MSI-X shows them
// to several guests: IntrMask, IntrStatus, IVPosition, Doorbell, and a pin for each. For tests of
// what drives such devices, without QEMU, which has none any more.
//
// A slot is a guest's: Join() gives it a device with a fresh reset, and tells the others by status
// 2^32 - 1. Not thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "transport/device/legacy/legacy_registers.h"

namespace tombolo {

class SimulatedBus {
 public:
  explicit SimulatedBus(uint16_t slot_count) : devices_(slot_count) {
    for (uint16_t slot = 0; slot < slot_count; ++slot) devices_[slot].Plug(*this, slot);
  }
  SimulatedBus(const SimulatedBus&) = delete;
  SimulatedBus& operator=(const SimulatedBus&) = delete;

  // Slots must be below the count.
  void Join(uint16_t slot);
  void Leave(uint16_t slot) { devices_[slot].joined = false; }
  LegacyRegisters& Registers(uint16_t slot) { return devices_[slot]; }

  // Whether the pin of this device is up now: level, not edge.
  bool PinIsUp(uint16_t slot) const { return (devices_[slot].mask & devices_[slot].status) != 0; }

 private:
  struct SimulatedRegisters final : LegacyRegisters {
    void Plug(SimulatedBus& bus, uint16_t slot) {
      bus_ = &bus;
      slot_ = slot;
    }
    uint32_t Read(uint64_t offset) override;
    void Write(uint64_t offset, uint32_t value) override;

    bool joined = false;
    uint32_t mask = 0;
    uint32_t status = 0;

   private:
    SimulatedBus* bus_ = nullptr;
    uint16_t slot_ = 0;
  };

  void Ring(uint32_t doorbell);

  std::vector<SimulatedRegisters> devices_;
};

}  // namespace tombolo
