#include "control/agent/kept_device.h"

#include "control/agent/kept_sysfs.h"
#include "control/agent/kept_vfio.h"

namespace tombolo::control {

absl::StatusOr<KeptDevice> OpenKeptDevice(const SystemPaths& paths, const DeviceChoice& choice,
                                          DescriptorStore& store, NamedDescriptors& inherited) {
  switch (choice.way) {
    case DeviceWay::kVfio:
      return OpenKeptVfio(paths, choice.address, store, inherited);
    case DeviceWay::kSysfs:
      return OpenKeptSysfs(paths, choice.address, store, inherited);
  }
  return absl::InternalError("there is no such way to a device");
}

}  // namespace tombolo::control
