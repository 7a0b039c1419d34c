// OpenKeptDevice() for the kernel module: keeps its two files, the lock on one, and the eventfds.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "control/agent/kept_device.h"
#include "control/holder/descriptor_store.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo::control {

// Whether a predecessor went by this way.
bool IsKeptModule(const NamedDescriptors& inherited);

// `wanted`: as in transport/device/vfio/pci_finder.h.
absl::StatusOr<KeptDevice> OpenKeptModule(const SystemPaths& paths, const std::string& wanted,
                                          DescriptorStore& store, NamedDescriptors& inherited);

}  // namespace tombolo::control
