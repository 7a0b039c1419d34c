// SysfsPciDevice: an ivshmem-doorbell device as its one opener holds it without any driver: no
// IOMMU is needed and no kernel module, and no interrupt arrives.
//
// It has an eventfd for each own vector all the same, which nothing signals: whoever looks at the
// region in the device's stead does (control/agent/polled_doorbells.h). That there is one opener is
// kept by a lock on the memory's file, which lasts as long as any copy of the descriptor or mapping
// of it. Thread safety: as Device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"
#include "transport/device/device.h"
#include "transport/device/sysfs/sysfs_device.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo {

struct SysfsDescriptors {
  UniqueFd memory;                 // kMemoryResource.
  UniqueFd registers;              // resource0.
  std::vector<UniqueFd> eventfds;  // By vector.
};

class SysfsPciDevice final : public Device {
 public:
  // Finds (`wanted` as in pci_finder.h) and opens the device, and has it decode its addresses.
  // FailedPrecondition: a driver holds it. PermissionDenied: not root, or the kernel is locked
  // down. Unavailable: another process has opened it so. Else the errors of pci_finder.h.
  static absl::StatusOr<std::unique_ptr<SysfsPciDevice>> Open(const SystemPaths& paths,
                                                              std::string_view wanted);

  // Goes on with a device that a former process opened. FailedPrecondition when the descriptors are
  // not those of an opened device, NotFound when the device was unplugged.
  static absl::StatusOr<std::unique_ptr<SysfsPciDevice>> Adopt(SysfsDescriptors descriptors);

  std::span<std::byte> Memory() override { return device_->Memory(); }
  MemoryType Type() const override { return device_->Type(); }
  void Ring(uint16_t slot, uint16_t vector) override { device_->Ring(slot, vector); }

  uint16_t Slot() const { return device_->Slot(); }

  // What an endpoint needs, with the two files, to map the device itself.
  uint64_t RegistersOffset() const { return registers_offset_; }
  const SysfsDescriptors& Descriptors() const { return descriptors_; }

 private:
  SysfsPciDevice(SysfsDescriptors descriptors, uint64_t registers_offset,
                 std::unique_ptr<SysfsDevice> device);

  SysfsDescriptors descriptors_;
  const uint64_t registers_offset_;
  const std::unique_ptr<SysfsDevice> device_;
};

}  // namespace tombolo
