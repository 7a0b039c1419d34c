// ModulePciDevice: an ivshmem-doorbell device as its one agent holds it through the kernel module
// (guest/module): the file whose eventfds are signalled, and a second one for endpoints, which can
// ring and map and nothing else.
//
// The module itself lets a device be opened by many; that there is one agent is kept by a lock on
// the first file, which lasts as long as any copy of its descriptor. Thread safety: as Device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"
#include "transport/device/device.h"
#include "transport/device/module/module_device.h"
#include "transport/device/module/module_setup.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo {

struct ModuleDescriptors {
  UniqueFd own;                    // /dev/tomboloN.
  UniqueFd endpoints;              // The same, sealed.
  std::vector<UniqueFd> eventfds;  // By vector.
};

// The PCI address of the device to use among those bound to the module, which needs no root.
//   wanted: as in pci_finder.h.
// FailedPrecondition: none is bound. InvalidArgument: several are, or it is an ivshmem v2 device,
// which the module drives too.
absl::StatusOr<std::string> FindModuleAddress(const SystemPaths& paths, std::string_view wanted);

class ModulePciDevice final : public Device {
 public:
  // Finds (`wanted` as in pci_finder.h) and opens the device, and has every vector signal an
  // eventfd of its own. FailedPrecondition: it is not bound to the module, or that is of another
  // release. PermissionDenied: no access to its file. Unavailable: another agent has it. Else the
  // errors of FindModuleAddress().
  static absl::StatusOr<std::unique_ptr<ModulePciDevice>> Open(const SystemPaths& paths,
                                                               std::string_view wanted);

  // Goes on with a device that a former process opened. NotFound: it was unplugged meanwhile.
  static absl::StatusOr<std::unique_ptr<ModulePciDevice>> Adopt(ModuleDescriptors descriptors);

  std::span<std::byte> Memory() override { return device_->Memory(); }
  MemoryType Type() const override { return device_->Type(); }
  void Ring(uint16_t slot, uint16_t vector) override { device_->Ring(slot, vector); }

  uint16_t Slot() const { return slot_; }
  const ModuleDescriptors& Descriptors() const { return descriptors_; }

 private:
  ModulePciDevice(ModuleDescriptors descriptors, uint16_t slot,
                  std::unique_ptr<ModuleDevice> device);

  ModuleDescriptors descriptors_;
  const uint16_t slot_;
  const std::unique_ptr<ModuleDevice> device_;
};

}  // namespace tombolo
