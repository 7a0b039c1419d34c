#include "transport/device/vfio/pci_sysfs.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tombolo {
namespace {

namespace fs = std::filesystem;

// PCI Local Bus Specification 3.0, chapter 6.
constexpr size_t kCapabilityPointer = 0x34;
constexpr int kMostCapabilities = 48;  // (256 - 64) / 4: the list of a sane device ends before.

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

bool IsInFile(const fs::path& path, uint16_t expected) {
  uint32_t number = 0;
  return absl::SimpleHexAtoi(ReadFile(path), &number) && number == expected;
}

}  // namespace

fs::path PciDevicesFolder(const SystemPaths& paths) {
  return fs::path(paths.sys) / "bus/pci/devices";
}

absl::Status CheckPciAddress(const SystemPaths& paths, std::string_view address) {
  std::error_code error;
  const bool is_name = !address.empty() && address.find('/') == std::string_view::npos;
  if (is_name && fs::exists(PciDevicesFolder(paths) / address, error)) return absl::OkStatus();
  return absl::NotFoundError(
      absl::StrCat("there is no PCI device '", std::string(address),
                   "'; expected an address such as 0000:00:05.0 (see `lspci -D`), or auto."));
}

bool HasPciIdentity(const SystemPaths& paths, std::string_view address, PciIdentity identity) {
  const fs::path device = PciDevicesFolder(paths) / address;
  return IsInFile(device / "vendor", identity.vendor) &&
         IsInFile(device / "device", identity.device);
}

std::vector<std::string> FindPciDevices(const SystemPaths& paths, PciIdentity identity) {
  std::vector<std::string> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(PciDevicesFolder(paths), error)) {
    std::string address = entry.path().filename().string();
    if (HasPciIdentity(paths, address, identity)) found.push_back(std::move(address));
  }
  std::ranges::sort(found);
  return found;
}

absl::StatusOr<std::string> ReadPciConfig(const SystemPaths& paths, std::string_view address) {
  std::string config = ReadFile(PciDevicesFolder(paths) / address / "config");
  if (config.size() >= kPciConfigBytes) return config;
  return absl::PermissionDeniedError(absl::StrCat(
      "of the PCI configuration of ", std::string(address), " only ", config.size(),
      " bytes can be read, expected ", kPciConfigBytes, ". Run this program as root."));
}

size_t FindPciCapability(const std::string& config, uint8_t id, size_t size_bytes) {
  size_t at = static_cast<uint8_t>(config[kCapabilityPointer]);
  for (int i = 0; i < kMostCapabilities && at != 0 && at + 1 < config.size(); ++i) {
    if (static_cast<uint8_t>(config[at]) == id) return at + size_bytes <= config.size() ? at : 0;
    at = static_cast<uint8_t>(config[at + 1]);
  }
  return 0;
}

}  // namespace tombolo
