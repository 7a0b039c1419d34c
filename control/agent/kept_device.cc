#include "control/agent/kept_device.h"

#include <string>

#include "absl/status/status.h"
#include "control/agent/kept_devmem.h"
#include "control/agent/kept_module.h"
#include "control/agent/kept_sysfs.h"
#include "control/agent/kept_vfio.h"
#include "transport/device/module/module_pci_device.h"
#include "transport/device/vfio/pci_finder.h"

namespace tombolo::control {
namespace {

DeviceWay FindWay(const SystemPaths& paths, const std::string& wanted,
                  const NamedDescriptors& inherited) {
  if (IsKeptModule(inherited)) return DeviceWay::kModule;
  absl::StatusOr<std::string> address = FindIvshmemPci(paths, wanted);
  // Only root may read what tells more than whether a device is bound to the module.
  if (absl::IsPermissionDenied(address.status())) address = FindModuleAddress(paths, wanted);
  const bool has_module = address.ok() && !FindModuleName(paths, *address).empty();
  return has_module ? DeviceWay::kModule : DeviceWay::kVfio;
}

}  // namespace

absl::StatusOr<KeptDevice> OpenKeptDevice(const SystemPaths& paths, const DeviceChoice& choice,
                                          DescriptorStore& store, NamedDescriptors& inherited) {
  const DeviceWay way =
      choice.way == DeviceWay::kAny ? FindWay(paths, choice.address, inherited) : choice.way;
  switch (way) {
    case DeviceWay::kModule:
      return OpenKeptModule(paths, choice.address, store, inherited);
    case DeviceWay::kAny:
    case DeviceWay::kVfio:
      return OpenKeptVfio(paths, choice.address, store, inherited);
    case DeviceWay::kSysfs:
      return OpenKeptSysfs(paths, choice.address, store, inherited);
    case DeviceWay::kDevmem:
      return OpenKeptDevmem(paths, choice.address, store, inherited);
  }
  return absl::InternalError("there is no such way to a device");
}

}  // namespace tombolo::control
