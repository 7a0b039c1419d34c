// The registers of QEMU's ivshmem device, revision 1 (docs/specs/ivshmem-spec in QEMU): BAR0, 256
// bytes, 32-bit accesses only.
//
//   offset  what
//        0  IntrMask, 4 IntrStatus: without meaning when there is MSI-X
//        8  IVPosition, read-only: this device's ID, which is our slot
//       12  Doorbell, write-only: slot << 16 | vector
#pragma once

#include <cstdint>

namespace tombolo {

inline constexpr uint16_t kIvshmemVendorId = 0x1af4;
inline constexpr uint16_t kIvshmemDeviceId = 0x1110;

inline constexpr uint64_t kRegisterBytes = 256;
inline constexpr uint64_t kIvPositionRegister = 8;
inline constexpr uint64_t kDoorbellRegister = 12;

// SUBTLE: without ioeventfd QEMU masks the vector to 8 bits, with it the whole word is compared. A
// vector above 255 would ring another doorbell, or none.
inline constexpr uint16_t kMaxDoorbellVector = 255;

constexpr uint32_t DoorbellValue(uint16_t slot, uint16_t vector) {
  return uint32_t{slot} << 16 | vector;
}

}  // namespace tombolo
