// How a device of the kernel module (guest/module) is found, opened and made ready to be used,
// whatever its kind.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "guest/module/tombolo_uapi.h"
#include "transport/base/unique_fd.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo {

// The name in /dev of the module's device for PCI `address`, "" when it is not bound to the module.
std::string FindModuleName(const SystemPaths& paths, const std::string& address);

// Its path. FailedPrecondition: it is not bound to the module.
absl::StatusOr<std::string> FindModulePath(const SystemPaths& paths, const std::string& address);

// FailedPrecondition, with how to bind a device. `what`: "no device is".
absl::Status NotBoundToModule(std::string_view what);

// PermissionDenied: no access to the file.
absl::StatusOr<UniqueFd> OpenModuleFile(const std::string& path);

// Kept until the last copy of the descriptor is closed. Unavailable: another process has it, which
// `who` names.
absl::Status LockModuleFile(int file, const std::string& path, std::string_view who);

// FailedPrecondition: the module is of another release. NotFound: the device was unplugged.
absl::StatusOr<tombolo_info> ReadModuleInfo(int file);

// Makes an eventfd for each of the first `count` vectors and has the device signal them.
absl::StatusOr<std::vector<UniqueFd>> SignalModuleEventfds(int file, uint32_t count);

}  // namespace tombolo
