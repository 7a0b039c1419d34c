// Finds the ivshmem-doorbell device of this guest in sysfs. It opens nothing of the device and
// changes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/device/vfio/pci_sysfs.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo {

// The PCI address ("0000:00:05.0") of the device to use.
//   wanted: an address as lspci -D prints it, or kAnyPciDevice for the only ivshmem-doorbell there
//   is.
// NotFound: no such device. InvalidArgument: it is another kind of device, or several would do.
// FailedPrecondition: it has no MSI-X (ivshmem-plain). PermissionDenied: its configuration cannot
// be read.
absl::StatusOr<std::string> FindIvshmemPci(const SystemPaths& paths, std::string_view wanted);

// How many MSI-X vectors the device has, at most kMaxDoorbellVector + 1. Errors as FindIvshmemPci.
absl::StatusOr<uint32_t> CountMsixVectors(const SystemPaths& paths, std::string_view address);

// Whether BAR2 can hold a region. FailedPrecondition says why not.
absl::Status CheckMemoryBytes(uint64_t bar2_bytes);

}  // namespace tombolo
