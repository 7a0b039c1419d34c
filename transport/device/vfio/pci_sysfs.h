// What sysfs shows of the PCI devices of this guest: identity and configuration space. It opens
// nothing of a device and changes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo {

inline constexpr std::string_view kAnyPciDevice = "auto";
inline constexpr size_t kPciConfigBytes = 256;

struct PciIdentity {
  uint16_t vendor;
  uint16_t device;
};

std::filesystem::path PciDevicesFolder(const SystemPaths& paths);

// NotFound, with what was expected, unless `address` is that of a device ("0000:00:05.0").
absl::Status CheckPciAddress(const SystemPaths& paths, std::string_view address);

bool HasPciIdentity(const SystemPaths& paths, std::string_view address, PciIdentity identity);

// The addresses of all devices of that kind, in ascending order.
std::vector<std::string> FindPciDevices(const SystemPaths& paths, PciIdentity identity);

// The first kPciConfigBytes, or more. PermissionDenied: others than root see fewer.
absl::StatusOr<std::string> ReadPciConfig(const SystemPaths& paths, std::string_view address);

// Where in `config`, as ReadPciConfig() gives it, the first capability of that kind begins; 0 when
// there is none of which `size_bytes` are within it. The device may have written anything there.
size_t FindPciCapability(const std::string& config, uint8_t id, size_t size_bytes);

}  // namespace tombolo
