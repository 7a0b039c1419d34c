// A PCI device that no driver holds, as whoever maps it without one finds and takes it: through the
// files of sysfs, or through /dev/mem.
//
// Thread safety: all functions. `device`: its folder in sysfs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"

namespace tombolo {

// FailedPrecondition: a driver holds it.
absl::Status CheckNoDriver(const std::filesystem::path& device);

// open(2), for the process alone. PermissionDenied tells to be root.
absl::StatusOr<UniqueFd> OpenDeviceFile(const std::filesystem::path& path, int flags);

// Has the device answer to its addresses. Whoever had it before, firmware or a driver, may have
// left it deaf.
absl::Status DecodeAddresses(const std::filesystem::path& device);

// Locks an open file of the device, for as long as any copy of the descriptor is open or mapped.
// Unavailable: somebody else has. `maps`: what the mappings of its users are called in /proc.
absl::Status TakeAlone(int file, const std::string& address, const std::string& maps);

// What signals own vectors, in place of a device that cannot.
absl::StatusOr<std::vector<UniqueFd>> MakeEventfds(uint32_t count);

}  // namespace tombolo
