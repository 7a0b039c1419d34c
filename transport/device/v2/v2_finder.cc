#include "transport/device/v2/v2_finder.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "transport/device/v2/v2_registers.h"

namespace tombolo {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kAny = "auto";
constexpr size_t kConfigBytes = 256;
constexpr uint16_t kNobody = 0xffff;  // No vendor has this number.
constexpr size_t kCapabilityPointer = 0x34;
constexpr uint8_t kVendorCapability = 0x09;
constexpr size_t kVendorCapabilityBytes = 0x18;
constexpr int kMostCapabilities = 48;  // (256 - 64) / 4: the list of a sane device ends before.

fs::path DevicesFolder(const SystemPaths& paths) { return fs::path(paths.sys) / "bus/pci/devices"; }

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

bool IsV2(const fs::path& device) {
  uint32_t vendor = 0;
  uint32_t id = 0;
  return absl::SimpleHexAtoi(ReadFile(device / "vendor"), &vendor) &&
         absl::SimpleHexAtoi(ReadFile(device / "device"), &id) && vendor == kV2VendorId &&
         id == kV2DeviceId;
}

absl::StatusOr<std::string> CheckWanted(const SystemPaths& paths, const std::string& wanted) {
  const fs::path device = DevicesFolder(paths) / wanted;
  std::error_code error;
  if (wanted.empty() || wanted.find('/') != std::string::npos || !fs::exists(device, error)) {
    return absl::NotFoundError(
        absl::StrCat("there is no PCI device '", wanted,
                     "'; expected an address such as 0000:00:05.0 (see `lspci -D`), or auto."));
  }
  if (IsV2(device)) return wanted;
  return absl::InvalidArgumentError(
      absl::StrCat("the PCI device ", wanted,
                   " is no ivshmem v2 device (110a:4106). `lspci -D -d "
                   "110a:4106` lists those."));
}

template <typename T>
T At(const std::string& config, size_t offset) {
  T value;
  memcpy(&value, config.data() + offset, sizeof(value));
  return value;
}

// Where the vendor capability begins; 0 when there is none in whole.
size_t VendorCapability(const std::string& config) {
  size_t at = At<uint8_t>(config, kCapabilityPointer);
  for (int i = 0; i < kMostCapabilities && at != 0 && at + 1 < config.size(); ++i) {
    if (At<uint8_t>(config, at) == kVendorCapability) {
      return at + kVendorCapabilityBytes <= config.size() ? at : 0;
    }
    at = At<uint8_t>(config, at + 1);
  }
  return 0;
}

}  // namespace

absl::StatusOr<std::string> FindV2Pci(const SystemPaths& paths, std::string_view wanted) {
  if (wanted != kAny) return CheckWanted(paths, std::string(wanted));
  std::vector<std::string> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(DevicesFolder(paths), error)) {
    if (IsV2(entry.path())) found.push_back(entry.path().filename().string());
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "there is no ivshmem v2 device (PCI 110a:4106) below ", DevicesFolder(paths).string(),
        ". `tombolo-ivshmem2 --help` on the host says how QEMU gives it one."));
  }
  std::ranges::sort(found);
  return absl::InvalidArgumentError(
      absl::StrCat("there are ", found.size(), " ivshmem v2 devices: ", absl::StrJoin(found, ", "),
                   ". Choose one."));
}

absl::StatusOr<V2Capability> ReadV2Capability(const SystemPaths& paths,
                                              const std::string& address) {
  const std::string config = ReadFile(DevicesFolder(paths) / address / "config");
  if (config.size() < kConfigBytes) {
    return absl::PermissionDeniedError(
        absl::StrCat("of the PCI configuration of ", address, " only ", config.size(),
                     " bytes can be read, expected ", kConfigBytes, ". Run this program as root."));
  }
  if (At<uint16_t>(config, 0) == kNobody) {
    return absl::FailedPreconditionError(
        absl::StrCat("the configuration of ", address,
                     " reads as ones: the device was unplugged, or "
                     "who served it has ended. Start this virtual machine again."));
  }
  const size_t at = VendorCapability(config);
  if (at == 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the device ", address, " has no vendor capability, which an ivshmem v2 device has."));
  }
  return V2Capability{.state_table_bytes = At<uint32_t>(config, at + 0x04),
                      .rw_bytes = At<uint64_t>(config, at + 0x08),
                      .output_bytes = At<uint64_t>(config, at + 0x10)};
}

}  // namespace tombolo
