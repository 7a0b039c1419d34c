// Gives a PCI device to the driver vfio-pci, by driver_override: new_id would grab every device of
// the same kind.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo {

// Binds the device at `address` to vfio-pci, taking it from another driver if there is one; nothing
// is done when it is bound already. FailedPrecondition: the module is not loaded, or the kernel
// refuses because the guest has no IOMMU. PermissionDenied: not root.
absl::Status BindToVfio(const SystemPaths& paths, const std::string& address);

// The IOMMU group's number, the name of its file in /dev/vfio. FailedPrecondition without an IOMMU.
absl::StatusOr<std::string> IommuGroup(const SystemPaths& paths, const std::string& address);

}  // namespace tombolo
