#include "transport/device/v2/v2_finder.h"

#include <cstddef>
#include <cstring>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "transport/device/v2/v2_registers.h"
#include "transport/device/vfio/pci_sysfs.h"

namespace tombolo {
namespace {

constexpr PciIdentity kV2{kV2VendorId, kV2DeviceId};
constexpr uint16_t kNobody = 0xffff;  // No vendor has this number.
constexpr uint8_t kVendorCapability = 0x09;
constexpr size_t kVendorCapabilityBytes = 0x18;

absl::StatusOr<std::string> CheckWanted(const SystemPaths& paths, std::string_view wanted) {
  if (auto status = CheckPciAddress(paths, wanted); !status.ok()) return status;
  if (HasPciIdentity(paths, wanted, kV2)) return std::string(wanted);
  return absl::InvalidArgumentError(
      absl::StrCat("the PCI device ", std::string(wanted),
                   " is no ivshmem v2 device (110a:4106). `lspci -D -d 110a:4106` lists those."));
}

template <typename T>
T At(const std::string& config, size_t offset) {
  T value;
  memcpy(&value, config.data() + offset, sizeof(value));
  return value;
}

}  // namespace

absl::StatusOr<std::string> FindV2Pci(const SystemPaths& paths, std::string_view wanted) {
  if (wanted != kAnyPciDevice) return CheckWanted(paths, wanted);
  const std::vector<std::string> found = FindPciDevices(paths, kV2);
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "there is no ivshmem v2 device (PCI 110a:4106) below ", PciDevicesFolder(paths).string(),
        ". `tombolo-ivshmem2 --help` on the host says how QEMU gives it one."));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("there are ", found.size(), " ivshmem v2 devices: ", absl::StrJoin(found, ", "),
                   ". Choose one."));
}

absl::StatusOr<V2Capability> ReadV2Capability(const SystemPaths& paths,
                                              const std::string& address) {
  const absl::StatusOr<std::string> config = ReadPciConfig(paths, address);
  if (!config.ok()) return config.status();
  if (At<uint16_t>(*config, 0) == kNobody) {
    return absl::FailedPreconditionError(
        absl::StrCat("the configuration of ", address,
                     " reads as ones: the device was unplugged, or "
                     "who served it has ended. Start this virtual machine again."));
  }
  const size_t at = FindPciCapability(*config, kVendorCapability, kVendorCapabilityBytes);
  if (at == 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the device ", address, " has no vendor capability, which an ivshmem v2 device has."));
  }
  return V2Capability{.state_table_bytes = At<uint32_t>(*config, at + 0x04),
                      .rw_bytes = At<uint64_t>(*config, at + 0x08),
                      .output_bytes = At<uint64_t>(*config, at + 0x10)};
}

absl::StatusOr<V2Sections> CheckV2Sections(const V2Capability& told, uint32_t peer_count) {
  absl::StatusOr<V2Sections> sections =
      MakeV2Sections(peer_count, told.rw_bytes, told.output_bytes);
  if (sections.ok() && told.state_table_bytes != sections->state_table_bytes) {
    return absl::FailedPreconditionError(absl::StrCat("the device's state table has ",
                                                      told.state_table_bytes, " bytes, expected ",
                                                      sections->state_table_bytes, "."));
  }
  return sections;
}

}  // namespace tombolo
