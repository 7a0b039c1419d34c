// The agent's ivshmem device, kept by its holder: a killed agent's successor goes on with the same
// group, device and eventfds, which nobody else notices.
#pragma once

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "control/agent/agent_device.h"
#include "control/holder/descriptor_store.h"
#include "transport/device/vfio/system_paths.h"
#include "transport/device/vfio/vfio_pci_device.h"

namespace tombolo::control {

// Takes the device out of `inherited` if it is there, else opens the one that `wanted` names
// (transport/device/vfio/pci_finder.h) and leaves it in `store`.
absl::StatusOr<std::unique_ptr<VfioPciDevice>> OpenKeptDevice(const SystemPaths& paths,
                                                              std::string_view wanted,
                                                              DescriptorStore& store,
                                                              NamedDescriptors& inherited);

// `device` must outlive what is made of it.
AgentDevice Describe(VfioPciDevice& device);

}  // namespace tombolo::control
