// V2Machines: a V2Bus with memory, and the accesses of its peers' drivers, for tests.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "control/ivshmem_v2/v2_bus.h"
#include "transport/device/v2/v2_registers.h"
#include "transport/device/v2/v2_sections.h"

namespace tombolo::control {

class V2Machines {
 public:
  using Interrupts = std::vector<std::pair<uint32_t, uint16_t>>;  // Peer and vector.

  static constexpr uint32_t kPeers = 3;
  static constexpr uint64_t kRwBytes = 2 * kV2PageBytes;
  static constexpr uint64_t kOutputBytes = kV2PageBytes;
  static constexpr uint16_t kVectors = 4;
  static constexpr uint16_t kProtocol = 0x4001;  // Of peer 0.
  static constexpr uint16_t kOthersProtocol = 0x8003;
  static constexpr uint64_t kVendorCapability = 0x40;

  V2Machines() {
    for (uint32_t peer = 0; peer < kPeers; ++peer) bus_.Connect(peer);
  }

  V2Bus& Bus() { return bus_; }
  std::span<std::byte> Memory() { return memory_.bytes; }

  // Those since the last call.
  Interrupts Taken() { return std::exchange(interrupts_, {}); }

  uint32_t Register(uint32_t peer, uint64_t offset) const {
    return Read<uint32_t>(peer, V2Space::kRegisters, offset);
  }
  void SetRegister(uint32_t peer, uint64_t offset, uint32_t value) {
    Write<uint32_t>(peer, V2Space::kRegisters, offset, value);
  }
  void EnableInterrupts(uint32_t peer) {
    SetRegister(peer, kV2InterruptControlRegister, kV2InterruptEnable);
  }
  void SetOneShot(uint32_t peer) {
    Write<uint8_t>(peer, V2Space::kConfig, kVendorCapability + 3, 1);
  }

  template <typename T>
  T Read(uint32_t peer, V2Space space, uint64_t offset) const {
    T value;
    bus_.Read(peer, space, offset, std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }
  template <typename T>
  void Write(uint32_t peer, V2Space space, uint64_t offset, T value) {
    bus_.Write(peer, space, offset, std::as_bytes(std::span(&value, 1)));
  }

  static V2Sections Sections() { return *MakeV2Sections(kPeers, kRwBytes, kOutputBytes); }

 private:
  static constexpr size_t kMemoryBytes = kV2PageBytes + kRwBytes + kPeers * kOutputBytes;
  struct alignas(kV2PageBytes) Pages {
    std::array<std::byte, kMemoryBytes> bytes{};
  };

  Interrupts interrupts_;
  Pages memory_;
  V2Bus bus_{{.sections = Sections(),
              .protocols = {kProtocol, kOthersProtocol},
              .vectors = kVectors,
              .memory = memory_.bytes,
              .interrupt = [this](uint32_t peer, uint16_t vector) {
                interrupts_.emplace_back(peer, vector);
              }}};
};

}  // namespace tombolo::control
