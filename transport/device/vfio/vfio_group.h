// The three descriptors that make a PCI device ours through vfio, in the order in which the kernel
// wants them opened: container, group, device (Documentation/driver-api/vfio.rst in Linux). A group
// has one opener at a time; as long as any copy of the descriptors is open, the device stays as it
// is.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo {

struct VfioDescriptors {
  UniqueFd container;
  UniqueFd group;
  UniqueFd device;
};

// Opens the device at PCI `address`, which must be bound to vfio-pci and be in IOMMU group `group`.
// FailedPrecondition: no vfio, no interrupt remapping, or a group that is not viable.
// PermissionDenied: no access to /dev/vfio. Unavailable: another process holds the group.
absl::StatusOr<VfioDescriptors> OpenVfio(const SystemPaths& paths, const std::string& group,
                                         const std::string& address);

}  // namespace tombolo
