// DevmemPciDevice: an ivshmem-doorbell device as its one opener holds it through /dev/mem, without
// any driver: no IOMMU is needed and no kernel module, and no interrupt arrives (as in
// transport/device/sysfs, which has the same eventfds for it).
//
// What is different from sysfs is the mapping. On x86 the kernel maps memory above 4 GiB cached
// here, and below it uncached; which of the two it is it does not say. So Type() is the more
// careful one. On arm64 it is Device memory, where unaligned accesses raise SIGBUS.
//
// /dev/mem is all devices of the machine and, if the kernel was built so, its memory: its
// descriptor is only for processes that could open it themselves. There is one opener by the same
// lock as in transport/device/sysfs, on BAR2's file there, which lasts as long as a copy of that
// descriptor. Thread safety: as Device.
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
#include "transport/device/vfio/system_paths.h"
#include "transport/device/vfio/vfio_device.h"

namespace tombolo {

struct DevmemDescriptors {
  UniqueFd memory;                 // /dev/mem.
  UniqueFd lock;                   // BAR2's file in sysfs.
  std::vector<UniqueFd> eventfds;  // By vector.
};

class DevmemPciDevice final : public Device {
 public:
  // Finds (`wanted` as in pci_finder.h) and opens the device, and has it decode its addresses.
  // FailedPrecondition: a driver holds it, or the kernel has no /dev/mem. PermissionDenied: not
  // root, or the kernel does not let anybody map devices. Unavailable: another process has opened
  // it without a driver. Else the errors of pci_finder.h.
  static absl::StatusOr<std::unique_ptr<DevmemPciDevice>> Open(const SystemPaths& paths,
                                                               std::string_view wanted);

  // Goes on with a device that a former process opened. FailedPrecondition when the descriptors are
  // not those of an opened device, NotFound when the device was unplugged.
  static absl::StatusOr<std::unique_ptr<DevmemPciDevice>> Adopt(DevmemDescriptors descriptors);

  std::span<std::byte> Memory() override { return device_->Memory(); }
  MemoryType Type() const override { return device_->Type(); }
  void Ring(uint16_t slot, uint16_t vector) override { device_->Ring(slot, vector); }

  uint16_t Slot() const { return device_->Slot(); }

  // What an endpoint needs, with /dev/mem, to map the device itself: physical addresses.
  const VfioWindows& Windows() const { return windows_; }
  const DevmemDescriptors& Descriptors() const { return descriptors_; }

 private:
  DevmemPciDevice(DevmemDescriptors descriptors, const VfioWindows& windows,
                  std::unique_ptr<VfioDevice> device);

  DevmemDescriptors descriptors_;
  const VfioWindows windows_;
  // A file with both BARs is all that it needs, whatever the file is.
  const std::unique_ptr<VfioDevice> device_;
};

}  // namespace tombolo
