#include "control/ivshmem_v2/v2_bus.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "transport/device/v2/v2_registers.h"

namespace tombolo::control {
namespace {

constexpr std::byte kNothingThere{0xff};
constexpr uint32_t kPeerShift = 16;
constexpr uint32_t kVectorMask = 0xffff;

uint16_t ProtocolOf(const std::vector<uint16_t>& protocols, uint32_t peer) {
  if (protocols.empty()) return 0;
  return peer < protocols.size() ? protocols[peer] : protocols.back();
}

bool IsRegisterAccess(uint64_t offset, size_t size_bytes) {
  return size_bytes == sizeof(uint32_t) && offset % sizeof(uint32_t) == 0;
}

}  // namespace

V2Bus::V2Bus(Options options)
    : options_(std::move(options)), memory_(options_.sections, options_.memory) {
  for (uint32_t peer = 0; peer < options_.sections.peer_count; ++peer) {
    devices_.emplace_back(
        ConfigSpace(options_.sections, ProtocolOf(options_.protocols, peer), options_.vectors));
    memory_.StoreState(peer, 0);
  }
}

void V2Bus::Connect(uint32_t peer) {
  Reset(peer);
  devices_[peer].connected = true;
  devices_[peer].broken = false;
}

void V2Bus::Disconnect(uint32_t peer) {
  devices_[peer].connected = false;
  Reset(peer);
}

void V2Bus::Reset(uint32_t peer) {
  Device& device = devices_[peer];
  device.config.Reset();
  std::ranges::fill(device.msix, std::byte{0});
  device.interrupt_control = 0;
  SetState(peer, 0);
}

void V2Bus::Read(uint32_t peer, V2Space space, uint64_t offset, std::span<std::byte> bytes) const {
  const Device& device = devices_[peer];
  std::ranges::fill(bytes, device.broken ? kNothingThere : std::byte{0});
  if (device.broken) return;
  if (space == V2Space::kConfig) {
    device.config.Read(offset, bytes);
  } else if (space == V2Space::kMemory) {
    memory_.Read(offset, bytes);
  } else if (space == V2Space::kMsix) {
    if (offset > device.msix.size() || bytes.size() > device.msix.size() - offset) return;
    std::copy_n(device.msix.begin() + static_cast<ptrdiff_t>(offset), bytes.size(), bytes.begin());
  } else if (IsRegisterAccess(offset, bytes.size())) {
    const uint32_t value = ReadRegister(peer, offset);
    memcpy(bytes.data(), &value, sizeof(value));
  }
}

void V2Bus::Write(uint32_t peer, V2Space space, uint64_t offset, std::span<const std::byte> bytes) {
  Device& device = devices_[peer];
  if (device.broken) return;
  if (space == V2Space::kConfig) {
    device.config.Write(offset, bytes);
  } else if (space == V2Space::kMemory) {
    memory_.Write(peer, offset, bytes);
  } else if (space == V2Space::kMsix) {
    WriteMsix(device, offset, bytes);
  } else if (IsRegisterAccess(offset, bytes.size())) {
    uint32_t value;
    memcpy(&value, bytes.data(), sizeof(value));
    WriteRegister(peer, offset, value);
  }
}

uint32_t V2Bus::ReadRegister(uint32_t peer, uint64_t offset) const {
  switch (offset) {
    case kV2IdRegister:
      return peer;
    case kV2MaxPeersRegister:
      return Sections().peer_count;
    case kV2InterruptControlRegister:
      return devices_[peer].interrupt_control;
    case kV2StateRegister:
      return devices_[peer].state;
    default:
      return 0;
  }
}

void V2Bus::WriteRegister(uint32_t peer, uint64_t offset, uint32_t value) {
  switch (offset) {
    case kV2InterruptControlRegister:
      devices_[peer].interrupt_control = value & kV2InterruptEnable;
      return;
    case kV2DoorbellRegister:
      Ring(value);
      return;
    case kV2StateRegister:
      SetState(peer, value);
      return;
    default:
      return;
  }
}

// The pending bits after the table are the device's.
void V2Bus::WriteMsix(Device& device, uint64_t offset, std::span<const std::byte> bytes) const {
  const uint64_t table_bytes = options_.vectors * kMsixEntryBytes;
  if (offset > table_bytes || bytes.size() > table_bytes - offset) return;
  std::ranges::copy(bytes, device.msix.begin() + static_cast<ptrdiff_t>(offset));
}

void V2Bus::SetState(uint32_t peer, uint32_t state) {
  if (std::exchange(devices_[peer].state, state) == state) return;
  memory_.StoreState(peer, state);
  for (uint32_t other = 0; other < devices_.size(); ++other) {
    if (other != peer) Raise(other, kV2StateVector);
  }
}

// Doorbells of nobody are lost.
void V2Bus::Ring(uint32_t doorbell) {
  const uint32_t peer = doorbell >> kPeerShift;
  if (peer < devices_.size()) Raise(peer, static_cast<uint16_t>(doorbell & kVectorMask));
}

void V2Bus::Raise(uint32_t peer, uint16_t vector) {
  Device& device = devices_[peer];
  if (!device.connected || vector >= options_.vectors) return;
  if (device.interrupt_control != kV2InterruptEnable) return;
  if (device.config.IsOneShot()) device.interrupt_control = 0;
  options_.interrupt(peer, vector);
}

}  // namespace tombolo::control
