#include "transport/device/module/module_pci_device.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "guest/module/tombolo_uapi.h"
#include "transport/base/errno_status.h"
#include "transport/device/ivshmem_registers.h"
#include "transport/device/v2/v2_registers.h"
#include "transport/device/vfio/pci_finder.h"
#include "transport/device/vfio/pci_sysfs.h"

namespace tombolo {
namespace {

namespace fs = std::filesystem;

constexpr PciIdentity kIvshmem{kIvshmemVendorId, kIvshmemDeviceId};
constexpr PciIdentity kV2{kV2VendorId, kV2DeviceId};

absl::StatusOr<std::string> CheckWanted(const SystemPaths& paths, std::string_view wanted) {
  if (!HasPciIdentity(paths, wanted, kV2)) return std::string(wanted);
  return absl::InvalidArgumentError(
      absl::StrCat("the PCI device ", std::string(wanted),
                   " is an ivshmem v2 device, which has no region; expected an ivshmem-doorbell "
                   "(1af4:1110). `lspci -D -d 1af4:1110` lists those."));
}

// What is given away can ring and map, and cannot take interrupts from others or narrow them.
absl::Status Seal(int file, uint64_t memory_bytes) {
  const tombolo_rights rights{.window_offset = 0,
                              .window_bytes = memory_bytes,
                              .first_slot = 0,
                              .last_slot = UINT16_MAX,
                              .first_vector = 0,
                              .last_vector = 255,
                              .flags = TOMBOLO_SEALED,
                              .reserved = 0};
  if (ioctl(file, TOMBOLO_RESTRICT, &rights) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "seal the device's file for endpoints");
}

}  // namespace

absl::StatusOr<std::string> FindModuleAddress(const SystemPaths& paths, std::string_view wanted) {
  if (wanted != kAnyPciDevice) return CheckWanted(paths, wanted);
  std::vector<std::string> bound;
  std::error_code error;
  for (const auto& entry :
       fs::directory_iterator(fs::path(paths.sys) / "bus/pci/drivers/tombolo", error)) {
    // Beside files such as `bind` there is a link for each device, named by its address.
    std::string name = entry.path().filename().string();
    if (HasPciIdentity(paths, name, kIvshmem)) bound.push_back(std::move(name));
  }
  if (bound.empty()) return NotBoundToModule("no device is");
  if (bound.size() == 1) return bound.front();
  std::ranges::sort(bound);
  return absl::InvalidArgumentError(absl::StrCat(
      "the kernel module tombolo has ", bound.size(), " devices: ", absl::StrJoin(bound, ", "),
      ". Choose one, as in --device module:", bound.front(), "."));
}

absl::StatusOr<std::unique_ptr<ModulePciDevice>> ModulePciDevice::Open(const SystemPaths& paths,
                                                                       std::string_view wanted) {
  const absl::StatusOr<std::string> address = FindModuleAddress(paths, wanted);
  if (!address.ok()) return address.status();
  const absl::StatusOr<std::string> path = FindModulePath(paths, *address);
  if (!path.ok()) return path.status();
  absl::StatusOr<UniqueFd> own = OpenModuleFile(*path);
  if (!own.ok()) return own.status();
  const char* who = "another tombolo-agent runs in this guest";
  if (auto status = LockModuleFile(own->Get(), *path, who); !status.ok()) return status;
  const absl::StatusOr<tombolo_info> info = ReadModuleInfo(own->Get());
  if (!info.ok()) return info.status();
  absl::StatusOr<UniqueFd> endpoints = OpenModuleFile(*path);
  if (!endpoints.ok()) return endpoints.status();
  if (auto status = Seal(endpoints->Get(), info->memory_bytes); !status.ok()) return status;
  absl::StatusOr<std::vector<UniqueFd>> eventfds = SignalModuleEventfds(own->Get(), info->vectors);
  if (!eventfds.ok()) return eventfds.status();
  return Adopt({*std::move(own), *std::move(endpoints), *std::move(eventfds)});
}

absl::StatusOr<std::unique_ptr<ModulePciDevice>> ModulePciDevice::Adopt(
    ModuleDescriptors descriptors) {
  const absl::StatusOr<tombolo_info> info = ReadModuleInfo(descriptors.own.Get());
  if (!info.ok()) return info.status();
  if (auto status = CheckMemoryBytes(info->memory_bytes); !status.ok()) return status;
  UniqueFd rings(fcntl(descriptors.own.Get(), F_DUPFD_CLOEXEC, 0));
  if (!rings.IsOpen()) return ErrnoStatus(errno, "copy the descriptor of the device's file");
  auto device = ModuleDevice::Map(std::move(rings), info->memory_bytes);
  if (!device.ok()) return device.status();
  return std::unique_ptr<ModulePciDevice>(new ModulePciDevice(
      std::move(descriptors), static_cast<uint16_t>(info->slot), *std::move(device)));
}

ModulePciDevice::ModulePciDevice(ModuleDescriptors descriptors, uint16_t slot,
                                 std::unique_ptr<ModuleDevice> device)
    : descriptors_(std::move(descriptors)), slot_(slot), device_(std::move(device)) {}

}  // namespace tombolo
