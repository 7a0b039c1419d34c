#include "transport/device/vfio/pci_finder.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "transport/base/units.h"
#include "transport/device/ivshmem_registers.h"

namespace tombolo {
namespace {

namespace fs = std::filesystem;

// PCI Local Bus Specification 3.0, chapter 6.
constexpr size_t kCapabilityPointer = 0x34;
constexpr uint8_t kMsixCapability = 0x11;
constexpr size_t kMsixControl = 2;  // Of the capability; its low bits are the last vector.
constexpr uint32_t kMsixLastVector = 0x7ff;
constexpr size_t kConfigBytes = 256;
constexpr int kMostCapabilities = 48;  // (256 - 64) / 4: the list of a sane device ends before.

constexpr uint64_t kLeastMemoryBytes = kMiB;

fs::path DevicesFolder(const SystemPaths& paths) { return fs::path(paths.sys) / "bus/pci/devices"; }

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

bool IsIvshmem(const fs::path& device) {
  uint32_t vendor = 0;
  uint32_t id = 0;
  return absl::SimpleHexAtoi(ReadFile(device / "vendor"), &vendor) &&
         absl::SimpleHexAtoi(ReadFile(device / "device"), &id) && vendor == kIvshmemVendorId &&
         id == kIvshmemDeviceId;
}

// Where the capability MSI-X begins; 0 when there is none.
size_t MsixOffset(const std::string& config) {
  size_t at = static_cast<uint8_t>(config[kCapabilityPointer]);
  for (int i = 0; i < kMostCapabilities && at != 0 && at + 1 < config.size(); ++i) {
    if (static_cast<uint8_t>(config[at]) == kMsixCapability) return at;
    at = static_cast<uint8_t>(config[at + 1]);
  }
  return 0;
}

absl::StatusOr<uint32_t> CountMsix(const fs::path& device) {
  const std::string config = ReadFile(device / "config");
  const std::string address = device.filename().string();
  if (config.size() < kConfigBytes) {
    return absl::PermissionDeniedError(
        absl::StrCat("of the PCI configuration of ", address, " only ", config.size(),
                     " bytes can be read, expected ", kConfigBytes, ". Run this program as root."));
  }
  const size_t msix = MsixOffset(config);
  if (msix != 0 && msix + kMsixControl + 1 < config.size()) {
    const uint32_t low = static_cast<uint8_t>(config[msix + kMsixControl]);
    const uint32_t high = static_cast<uint8_t>(config[msix + kMsixControl + 1]);
    return std::min((high << 8 | low) & kMsixLastVector, uint32_t{kMaxDoorbellVector}) + 1;
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "the device ", address,
      " has no MSI-X, so it is an ivshmem-plain and cannot be woken. Give this virtual machine "
      "an ivshmem-doorbell: `tombolo vm-args` on the host prints the options."));
}

absl::Status NoneFound(const SystemPaths& paths) {
  return absl::NotFoundError(absl::StrCat(
      "there is no ivshmem device (PCI 1af4:1110) below ", DevicesFolder(paths).string(),
      ". Give this virtual machine one: `tombolo vm-args` on the host prints the options."));
}

absl::StatusOr<std::string> CheckWanted(const SystemPaths& paths, std::string_view wanted) {
  const fs::path device = DevicesFolder(paths) / wanted;
  std::error_code error;
  if (wanted.empty() || wanted.find('/') != std::string_view::npos || !fs::exists(device, error)) {
    return absl::NotFoundError(
        absl::StrCat("there is no PCI device '", std::string(wanted),
                     "'; expected an address such as 0000:00:05.0 (see `lspci -D`), or auto."));
  }
  if (!IsIvshmem(device)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the PCI device ", std::string(wanted),
        " is not an ivshmem device (1af4:1110). `lspci -D -d 1af4:1110` lists those."));
  }
  if (const auto vectors = CountMsix(device); !vectors.ok()) return vectors.status();
  return std::string(wanted);
}

std::vector<std::string> AllIvshmem(const SystemPaths& paths) {
  std::vector<std::string> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(DevicesFolder(paths), error)) {
    if (IsIvshmem(entry.path())) found.push_back(entry.path().filename().string());
  }
  std::ranges::sort(found);
  return found;
}

}  // namespace

absl::StatusOr<std::string> FindIvshmemPci(const SystemPaths& paths, std::string_view wanted) {
  if (wanted != kAnyPciDevice) return CheckWanted(paths, wanted);
  std::vector<std::string> usable;
  absl::Status why_not = NoneFound(paths);
  for (const std::string& address : AllIvshmem(paths)) {
    const absl::StatusOr<std::string> checked = CheckWanted(paths, address);
    if (checked.ok()) {
      usable.push_back(*checked);
    } else {
      why_not = checked.status();
    }
  }
  if (usable.empty()) return why_not;
  if (usable.size() == 1) return usable.front();
  return absl::InvalidArgumentError(absl::StrCat(
      "there are ", usable.size(), " ivshmem devices: ", absl::StrJoin(usable, ", "),
      ". Choose one with --device; for several regions start an agent for each device, with a "
      "--runtime-dir of its own."));
}

absl::StatusOr<uint32_t> CountMsixVectors(const SystemPaths& paths, std::string_view address) {
  return CountMsix(DevicesFolder(paths) / address);
}

absl::Status CheckMemoryBytes(uint64_t bar2_bytes) {
  if (std::has_single_bit(bar2_bytes) && bar2_bytes >= kLeastMemoryBytes) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the device's shared memory (BAR2) has ", bar2_bytes,
                   " bytes; expected a power of two of at least ", kLeastMemoryBytes,
                   ". Is this device served by tombolod?"));
}

}  // namespace tombolo
