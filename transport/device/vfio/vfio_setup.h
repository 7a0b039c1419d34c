// What is done to a PCI device that was opened through vfio before it is used, whatever its kind.
#pragma once

#include <linux/vfio.h>

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"

namespace tombolo {

// Region `index` of the descriptor: a BAR, or the configuration. FailedPrecondition: it is no vfio
// device, or the device was unplugged.
absl::StatusOr<vfio_region_info> VfioRegion(int device, uint32_t index);

// Without bus mastering no MSI-X message leaves the device.
absl::Status BecomeBusMaster(int device);

// Makes an eventfd for each of the first `count` MSI-X vectors and has the device signal them.
absl::StatusOr<std::vector<UniqueFd>> SignalEventfds(int device, uint32_t count);

}  // namespace tombolo
