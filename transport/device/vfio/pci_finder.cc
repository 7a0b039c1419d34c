#include "transport/device/vfio/pci_finder.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "transport/base/units.h"
#include "transport/device/ivshmem_registers.h"

namespace tombolo {
namespace {

// PCI Local Bus Specification 3.0, 6.8.2.
constexpr uint8_t kMsixCapability = 0x11;
constexpr size_t kMsixCapabilityBytes = 4;  // As far as the vectors.
constexpr size_t kMsixControl = 2;          // Of the capability; its low bits are the last vector.
constexpr uint32_t kMsixLastVector = 0x7ff;

constexpr uint64_t kLeastMemoryBytes = kMiB;

constexpr PciIdentity kIvshmem{kIvshmemVendorId, kIvshmemDeviceId};

absl::Status NoneFound(const SystemPaths& paths) {
  return absl::NotFoundError(absl::StrCat(
      "there is no ivshmem device (PCI 1af4:1110) below ", PciDevicesFolder(paths).string(),
      ". Give this virtual machine one: `tombolo vm-args` on the host prints the options."));
}

absl::StatusOr<std::string> CheckWanted(const SystemPaths& paths, std::string_view wanted) {
  if (auto status = CheckPciAddress(paths, wanted); !status.ok()) return status;
  if (!HasPciIdentity(paths, wanted, kIvshmem)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the PCI device ", std::string(wanted),
        " is not an ivshmem device (1af4:1110). `lspci -D -d 1af4:1110` lists those."));
  }
  if (const auto vectors = CountMsixVectors(paths, wanted); !vectors.ok()) return vectors.status();
  return std::string(wanted);
}

}  // namespace

absl::StatusOr<std::string> FindIvshmemPci(const SystemPaths& paths, std::string_view wanted) {
  if (wanted != kAnyPciDevice) return CheckWanted(paths, wanted);
  std::vector<std::string> usable;
  absl::Status why_not = NoneFound(paths);
  for (const std::string& address : FindPciDevices(paths, kIvshmem)) {
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
  const absl::StatusOr<std::string> config = ReadPciConfig(paths, address);
  if (!config.ok()) return config.status();
  const size_t msix = FindPciCapability(*config, kMsixCapability, kMsixCapabilityBytes);
  if (msix != 0) {
    const uint32_t low = static_cast<uint8_t>((*config)[msix + kMsixControl]);
    const uint32_t high = static_cast<uint8_t>((*config)[msix + kMsixControl + 1]);
    return std::min((high << 8 | low) & kMsixLastVector, uint32_t{kMaxDoorbellVector}) + 1;
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "the device ", std::string(address),
      " has no MSI-X, so it is an ivshmem-plain and cannot be woken. Give this virtual machine "
      "an ivshmem-doorbell: `tombolo vm-args` on the host prints the options."));
}

absl::Status CheckMemoryBytes(uint64_t bar2_bytes) {
  if (std::has_single_bit(bar2_bytes) && bar2_bytes >= kLeastMemoryBytes) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the device's shared memory (BAR2) has ", bar2_bytes,
                   " bytes; expected a power of two of at least ", kLeastMemoryBytes,
                   ". Is this device served by tombolod?"));
}

}  // namespace tombolo
