// How a PCI device is opened through vfio and made ready to be used, whatever its kind.
#pragma once

#include <linux/vfio.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"
#include "transport/device/vfio/system_paths.h"
#include "transport/device/vfio/vfio_group.h"

namespace tombolo {

// Binds the device at `address` to vfio-pci, opens it and makes it bus master: without that no
// MSI-X message leaves it. Errors are those of driver_binding.h and vfio_group.h.
absl::StatusOr<VfioDescriptors> OpenVfioPci(const SystemPaths& paths, const std::string& address);

// Region `index` of the descriptor: a BAR, or the configuration. FailedPrecondition: it is no vfio
// device, or the device was unplugged.
absl::StatusOr<vfio_region_info> VfioRegion(int device, uint32_t index);

// How many MSI-X vectors can signal eventfds.
absl::StatusOr<uint32_t> CountVfioVectors(int device);

// Makes an eventfd for each of the first `count` MSI-X vectors and has the device signal them.
absl::StatusOr<std::vector<UniqueFd>> SignalEventfds(int device, uint32_t count);

}  // namespace tombolo
