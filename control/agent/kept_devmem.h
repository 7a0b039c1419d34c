// OpenKeptDevice() for /dev/mem: keeps it, the lock of the device, and the eventfds.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "control/agent/kept_device.h"
#include "control/holder/descriptor_store.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo::control {

// `wanted`: as in transport/device/vfio/pci_finder.h.
absl::StatusOr<KeptDevice> OpenKeptDevmem(const SystemPaths& paths, const std::string& wanted,
                                          DescriptorStore& store, NamedDescriptors& inherited);

}  // namespace tombolo::control
