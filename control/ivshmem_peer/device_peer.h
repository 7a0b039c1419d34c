// DevicePeer: a guest as a peer of ivshmem memory, through its PCI device, whoever serves that.
//
// It is the device's one opener, as an agent would be; when it has ended, the next one may open it.
// vfio-pci keeps a device that was bound to it.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "control/agent/device_choice.h"
#include "control/ivshmem_peer/ivshmem_peer.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo::control {

enum class Interrupts { kNotNeeded, kNeeded };

// `choice`: as of tombolo-agent. kAny is the kernel module where it has the device, sysfs where no
// driver has it and no interrupt is needed, else vfio. Errors are those of the devices' Open().
absl::StatusOr<std::unique_ptr<IvshmemPeer>> OpenDevicePeer(const SystemPaths& paths,
                                                            const DeviceChoice& choice,
                                                            Interrupts interrupts);

}  // namespace tombolo::control
