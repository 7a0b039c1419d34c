// VfioDevice: the region as a process in a guest sees it: BAR2 and the doorbell register of an
// ivshmem device that its broker has opened through vfio and whose descriptor it passed on.
//
// It does not receive interrupts: the broker has an eventfd per vector for that. Thread safety:
// Ring() from any thread. The vfio descriptor may be closed after Map(); the mappings pin the
// device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "transport/device/device.h"
#include "transport/device/mapping.h"
#include "transport/device/register_page.h"

namespace tombolo {

// Where BAR2 and BAR0 lie in the vfio descriptor.
struct VfioWindows {
  uint64_t memory_offset = 0;
  uint64_t memory_bytes = 0;
  uint64_t registers_offset = 0;
};

class VfioDevice final : public Device {
 public:
  static absl::StatusOr<std::unique_ptr<VfioDevice>> Map(int device_fd, const VfioWindows& windows);

  std::span<std::byte> Memory() override { return memory_.Bytes(); }

  // vfio maps BARs uncached: UC- on x86, Device-nGnRnE on arm64, where unaligned access raises
  // SIGBUS.
  MemoryType Type() const override;

  // Memory ordering: whoever is woken sees what this thread stored before it rang.
  void Ring(uint16_t slot, uint16_t vector) override { registers_.Ring(slot, vector); }

  // The IVPosition register: which slot this device has.
  uint16_t Slot() const { return registers_.Slot(); }

 private:
  VfioDevice(Mapping memory, RegisterPage registers);

  Mapping memory_;
  RegisterPage registers_;
};

}  // namespace tombolo
