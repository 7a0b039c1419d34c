// A region with doorbells inside one process: what QEMU, tombolod and several guests would be
// together. For unit tests and benches of what lies above the device.
//
// SimulatedRegion owns memory and eventfds; each SimulatedDevice is one peer's view of it and keeps
// it alive. Thread safety: everything, once created.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"
#include "transport/device/device.h"
#include "transport/device/mapping.h"

namespace tombolo {

class SimulatedRegion {
 public:
  // Zeroed memory and slot_count x vector_count doorbells.
  static absl::StatusOr<std::shared_ptr<SimulatedRegion>> Create(uint64_t memory_bytes,
                                                                 uint16_t slot_count,
                                                                 uint16_t vector_count);

  std::span<std::byte> Memory() const { return memory_.Bytes(); }

  // The memory as a file, for a HostDevice or another process. It stays the region's.
  int MemoryFd() const { return memory_fd_.Get(); }

  // The eventfd of (slot, vector), which stays the region's; -1 when there is no such doorbell.
  int Eventfd(uint16_t slot, uint16_t vector) const;

 private:
  SimulatedRegion(UniqueFd memory_fd, Mapping memory, uint16_t vector_count);

  UniqueFd memory_fd_;
  Mapping memory_;
  const uint16_t vector_count_;
  std::vector<UniqueFd> eventfds_;  // Slot by slot.
};

class SimulatedDevice final : public Device {
 public:
  explicit SimulatedDevice(std::shared_ptr<SimulatedRegion> region,
                           MemoryType type = MemoryType::kWriteBack)
      : region_(std::move(region)), type_(type) {}

  std::span<std::byte> Memory() override { return region_->Memory(); }
  MemoryType Type() const override { return type_; }
  void Ring(uint16_t slot, uint16_t vector) override;

 private:
  const std::shared_ptr<SimulatedRegion> region_;
  const MemoryType type_;
};

}  // namespace tombolo
