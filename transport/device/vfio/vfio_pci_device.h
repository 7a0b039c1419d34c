// VfioPciDevice: an ivshmem-doorbell device as its one opener holds it: the descriptors that keep
// it ours, the mapped region and registers, and one eventfd per interrupt vector.
//
// All that must survive the opener is in Descriptors(): a process that inherits copies of them goes
// on with Adopt(), and neither the device nor those who wait on the eventfds notice. The eventfds
// are never read here. Thread safety: as Device.
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
#include "transport/device/vfio/vfio_group.h"

namespace tombolo {

struct VfioPciDescriptors {
  VfioDescriptors vfio;
  std::vector<UniqueFd> eventfds;  // By vector.
};

class VfioPciDevice final : public Device {
 public:
  // Finds (`wanted` as in pci_finder.h), binds and opens the device, makes it bus master, and has
  // every vector signal an eventfd of its own. The errors are those of pci_finder.h,
  // driver_binding.h and vfio_group.h.
  static absl::StatusOr<std::unique_ptr<VfioPciDevice>> Open(const SystemPaths& paths,
                                                             std::string_view wanted);

  // Goes on with a device that a former process opened. FailedPrecondition when the descriptors are
  // not those of an opened device.
  static absl::StatusOr<std::unique_ptr<VfioPciDevice>> Adopt(VfioPciDescriptors descriptors);

  std::span<std::byte> Memory() override { return device_->Memory(); }
  MemoryType Type() const override { return device_->Type(); }
  void Ring(uint16_t slot, uint16_t vector) override { device_->Ring(slot, vector); }

  uint16_t Slot() const { return device_->Slot(); }
  uint16_t VectorCount() const { return static_cast<uint16_t>(descriptors_.eventfds.size()); }

  // The eventfd of an own vector below VectorCount(); it stays this object's.
  int Eventfd(uint16_t vector) const { return descriptors_.eventfds[vector].Get(); }

  // What an endpoint needs, with DeviceFd(), to map the device itself.
  const VfioWindows& Windows() const { return windows_; }
  int DeviceFd() const { return descriptors_.vfio.device.Get(); }

  const VfioPciDescriptors& Descriptors() const { return descriptors_; }

 private:
  VfioPciDevice(VfioPciDescriptors descriptors, const VfioWindows& windows,
                std::unique_ptr<VfioDevice> device);

  VfioPciDescriptors descriptors_;
  const VfioWindows windows_;
  const std::unique_ptr<VfioDevice> device_;
};

}  // namespace tombolo
