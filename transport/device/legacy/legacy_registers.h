// The registers that ivshmem devices have of their interrupts when they have no MSI-X: the device
// specification of 2010, which QEMU followed up to revision 0 of its device (removed in 4.0), and
// other hypervisors still do. The rest of BAR0 is as in ivshmem_registers.h.
//
//   offset  what
//        0  IntrMask: the pin is up while a bit is set both here and in IntrStatus; 0 after a reset
//        4  IntrStatus: the value of the newest interrupt; reading it clears it
//
// A doorbell makes its value the receiver's status, and what that is is up to the implementation:
// QEMU's made it 1. Only kStatusJoined has a meaning: a guest has joined.
#pragma once

#include <cstdint>

namespace tombolo {

inline constexpr uint64_t kIntrMaskRegister = 0;
inline constexpr uint64_t kIntrStatusRegister = 4;
inline constexpr uint32_t kAllInterrupts = 0xffffffff;
inline constexpr uint32_t kStatusJoined = 0xffffffff;  // 2^32 - 1

// Registers of 32 bits: BAR0 of a device, or a simulated one.
class LegacyRegisters {
 public:
  virtual ~LegacyRegisters() = default;
  virtual uint32_t Read(uint64_t offset) = 0;
  virtual void Write(uint64_t offset, uint32_t value) = 0;
};

}  // namespace tombolo
