// V2Device: an ivshmem v2 device as its driver sees it: registers, and the memory with its
// sections. Where they come from is the business of who derives from it: vfio or the kernel module
// in a guest, or a simulator.
//
// It is no Device (transport/device/device.h): its memory is no region, because a peer may write
// its own output section and the R/W section only. Thread safety: all functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "transport/device/v2/v2_registers.h"
#include "transport/device/v2/v2_sections.h"

namespace tombolo {

class V2Device {
 public:
  V2Device() = default;
  V2Device(const V2Device&) = delete;
  V2Device& operator=(const V2Device&) = delete;
  virtual ~V2Device() = default;

  virtual const V2Sections& Sections() const = 0;

  // Sections().TotalBytes(). A store where this peer may not write is lost, or a fault.
  virtual std::span<std::byte> Memory() = 0;

  // A device that is gone reads as ones. Memory ordering of a write: who is interrupted by it sees
  // what this thread stored before.
  virtual uint32_t ReadRegister(uint64_t offset) = 0;
  virtual void WriteRegister(uint64_t offset, uint32_t value) = 0;

  void Ring(uint16_t peer, uint16_t vector) {
    WriteRegister(kV2DoorbellRegister, V2DoorbellValue(peer, vector));
  }
  void SetState(uint32_t state) { WriteRegister(kV2StateRegister, state); }
  void EnableInterrupts() { WriteRegister(kV2InterruptControlRegister, kV2InterruptEnable); }

  std::span<std::byte> Output(uint32_t peer) {
    return Memory().subspan(Sections().OutputOffset(peer), Sections().output_bytes);
  }
};

}  // namespace tombolo
