// V2Bus: the ivshmem v2 devices of all peers of one memory: registers, configuration, MSI-X table,
// state table, sections. The model only: no sockets, no descriptors, no clock. `tombolo-ivshmem2`
// serves it to QEMU, and in tests it is the simulator of the devices.
//
// The life of a peer: Connect() gives it a device fresh from reset; Disconnect(), when its machine
// is gone, and Reset() set its state to 0, and whoever is still there is told. What it wrote in its
// section stays: the next one there begins in state RESET and initialises it.
//
// Interrupts are one function that the owner of the bus gives: there a test loses them, delays or
// doubles them. Break() makes a device of which everything reads as ones, as when it was unplugged
// or who served it is dead.
//
// What it assumes of the peers: nothing. Registers are accessed by aligned words of 32 bits: any
// other access reads 0 and changes nothing. Not thread-safe; `interrupt` must not call back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "control/ivshmem_v2/config_space.h"
#include "control/ivshmem_v2/device_memory.h"
#include "transport/device/v2/v2_sections.h"

namespace tombolo::control {

// The device's spaces of addresses.
enum class V2Space { kRegisters, kMsix, kMemory, kConfig };

class V2Bus {
 public:
  using Interrupt = std::function<void(uint32_t peer, uint16_t vector)>;

  struct Options {
    V2Sections sections;
    // What each peer speaks, in the class code of its device; the last one is that of all further
    // peers, none is undefined. They differ where peers have roles, as the ends of virtio do.
    std::vector<uint16_t> protocols = {};
    uint16_t vectors = 2;         // Of each peer; 1 to kMostVectors.
    std::span<std::byte> memory;  // sections.TotalBytes(), zeroed, aligned to a page; outlives us.
    Interrupt interrupt;          // To be delivered to a peer that lets them through.
  };

  explicit V2Bus(Options options);
  V2Bus(const V2Bus&) = delete;
  V2Bus& operator=(const V2Bus&) = delete;

  // `peer` must be below the count, everywhere.
  void Connect(uint32_t peer);
  void Disconnect(uint32_t peer);
  void Reset(uint32_t peer);
  void Break(uint32_t peer) { devices_[peer].broken = true; }

  // Accesses of a peer; see above for those that make no sense.
  void Read(uint32_t peer, V2Space space, uint64_t offset, std::span<std::byte> bytes) const;
  void Write(uint32_t peer, V2Space space, uint64_t offset, std::span<const std::byte> bytes);

  bool IsConnected(uint32_t peer) const { return devices_[peer].connected; }
  uint32_t State(uint32_t peer) const { return devices_[peer].state; }
  const V2Sections& Sections() const { return memory_.Sections(); }
  uint16_t Vectors() const { return options_.vectors; }

 private:
  struct Device {
    explicit Device(const ConfigSpace& fresh) : config(fresh), msix(kMsixBarBytes) {}

    ConfigSpace config;
    std::vector<std::byte> msix;  // Table as software wrote it; nothing is ever pending.
    uint32_t interrupt_control = 0;
    uint32_t state = 0;
    bool connected = false;
    bool broken = false;
  };

  uint32_t ReadRegister(uint32_t peer, uint64_t offset) const;
  void WriteRegister(uint32_t peer, uint64_t offset, uint32_t value);
  void WriteMsix(Device& device, uint64_t offset, std::span<const std::byte> bytes) const;
  void SetState(uint32_t peer, uint32_t state);
  void Ring(uint32_t doorbell);
  void Raise(uint32_t peer, uint16_t vector);

  const Options options_;
  DeviceMemory memory_;
  std::vector<Device> devices_;
};

}  // namespace tombolo::control
