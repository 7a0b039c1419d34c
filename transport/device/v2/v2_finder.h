// Finds the ivshmem v2 device of this guest in sysfs, and reads what its vendor capability says of
// its sections. It opens nothing of the device and changes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "transport/device/v2/v2_sections.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo {

struct V2Capability {
  uint64_t state_table_bytes = 0;
  uint64_t rw_bytes = 0;
  uint64_t output_bytes = 0;
};

// The PCI address of the device to use. `wanted`: an address as lspci -D prints it, or "auto" for
// the only one there is. NotFound: no such device. InvalidArgument: it is another kind of device,
// or several would do.
absl::StatusOr<std::string> FindV2Pci(const SystemPaths& paths, std::string_view wanted);

// FailedPrecondition: it has no such capability. PermissionDenied: the configuration cannot be
// read.
absl::StatusOr<V2Capability> ReadV2Capability(const SystemPaths& paths, const std::string& address);

// What was told, checked, for a device that has `peer_count`. FailedPrecondition: its state table
// is no page. Else the errors of MakeV2Sections.
absl::StatusOr<V2Sections> CheckV2Sections(const V2Capability& told, uint32_t peer_count);

}  // namespace tombolo
