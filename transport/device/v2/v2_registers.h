// The registers and states of an ivshmem v2 device, as Jailhouse's specification has them: BAR0, a
// page of words of 32 bits. What is not named here reads 0.
//
//   offset  what
//        0  ID: which peer this is, from 0 on; read only
//        4  maximum peers: how many output sections there are; read only
//        8  interrupt control: bit 0 lets interrupts through; 0 after a reset. In one-shot mode
//        each
//           interrupt clears it
//      0xc  doorbell: peer << 16 | vector; write only
//     0x10  state: what the others see in the state table. A change interrupts all others on vector
//     0
//
// Who writes them: transport/device/v2's driver side; who answers: control/ivshmem_v2.
#pragma once

#include <cstdint>

namespace tombolo {

inline constexpr uint64_t kV2IdRegister = 0x00;
inline constexpr uint64_t kV2MaxPeersRegister = 0x04;
inline constexpr uint64_t kV2InterruptControlRegister = 0x08;
inline constexpr uint64_t kV2DoorbellRegister = 0x0c;
inline constexpr uint64_t kV2StateRegister = 0x10;

inline constexpr uint32_t kV2InterruptEnable = 1;
inline constexpr uint16_t kV2StateVector = 0;

// The life cycle of who talks over an output section. Other values are the peers' own business; 0
// is what an absent peer has.
inline constexpr uint32_t kV2StateReset = 0;
inline constexpr uint32_t kV2StateInit = 1;
inline constexpr uint32_t kV2StateReady = 2;
inline constexpr uint32_t kV2StateRun = 3;

inline constexpr uint16_t kV2VendorId = 0x110a;
inline constexpr uint16_t kV2DeviceId = 0x4106;

constexpr uint32_t V2DoorbellValue(uint16_t peer, uint16_t vector) {
  return uint32_t{peer} << 16 | vector;
}

}  // namespace tombolo
