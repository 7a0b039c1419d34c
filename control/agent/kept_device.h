// The agent's ivshmem device, kept by its holder: a killed agent's successor goes on with the same
// device and eventfds, which nobody else notices.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "control/agent/agent_device.h"
#include "control/agent/device_choice.h"
#include "control/holder/descriptor_store.h"
#include "transport/device/device.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo::control {

struct KeptDevice {
  std::unique_ptr<Device> device;
  AgentDevice described;  // Points to `device` and to its descriptors.
};

// Takes the device out of `inherited` if it is there, else opens the one that is chosen and leaves
// it in `store`. Errors are those of VfioPciDevice, ModulePciDevice,
// SysfsPciDevice and DevmemPciDevice.
absl::StatusOr<KeptDevice> OpenKeptDevice(const SystemPaths& paths, const DeviceChoice& choice,
                                          DescriptorStore& store, NamedDescriptors& inherited);

}  // namespace tombolo::control
