#include "control/doctor/guest_devices.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "control/doctor/system_file.h"
#include "transport/device/ivshmem_registers.h"
#include "transport/device/vfio/pci_finder.h"

namespace tombolo::control {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kV2VendorId = 0x110a;
constexpr uint64_t kV2DeviceId = 0x4106;

fs::path DeviceFolder(const Machine& machine, const std::string& address) {
  return fs::path(machine.system.sys) / "bus/pci/devices" / address;
}

std::vector<std::string> DevicesOf(const Machine& machine, uint64_t vendor, uint64_t id) {
  std::vector<std::string> addresses;
  for (const std::string& address : NamesIn(DeviceFolder(machine, ""))) {
    const fs::path device = DeviceFolder(machine, address);
    if (ReadHexFile(device / "vendor") == vendor && ReadHexFile(device / "device") == id) {
      addresses.push_back(address);
    }
  }
  return addresses;
}

// What a process has open: where its descriptors lead.
std::vector<std::string> OpenFiles(const fs::path& process) {
  std::vector<std::string> files;
  for (const std::string& number : NamesIn(process / "fd")) {
    std::error_code error;
    files.push_back(fs::read_symlink(process / "fd" / number, error).string());
  }
  return files;
}

}  // namespace

std::vector<std::string> IvshmemDevices(const Machine& machine) {
  return DevicesOf(machine, kIvshmemVendorId, kIvshmemDeviceId);
}

std::vector<std::string> IvshmemV2Devices(const Machine& machine) {
  return DevicesOf(machine, kV2VendorId, kV2DeviceId);
}

std::vector<std::string> UsableDevices(const Machine& machine) {
  const std::vector<std::string> all = IvshmemDevices(machine);
  std::vector<std::string> usable = all;
  std::erase_if(usable, [&machine](const std::string& address) {
    return absl::IsFailedPrecondition(CountMsixVectors(machine.system, address).status());
  });
  return usable.empty() ? all : usable;
}

std::string DriverOf(const Machine& machine, const std::string& address) {
  return LinkName(DeviceFolder(machine, address) / "driver");
}

std::string IommuGroupOf(const Machine& machine, const std::string& address) {
  return LinkName(DeviceFolder(machine, address) / "iommu_group");
}

Bare BareHolder(const Machine& machine, const std::string& address) {
  if (!DriverOf(machine, address).empty()) return Bare::kNobody;
  // The kernel shows resource2 by the device's place on its bus, not by the link that leads there.
  const std::string memory = absl::StrCat("/", address, "/resource2");
  for (const std::string& process : NamesIn(machine.proc)) {
    const std::vector<std::string> files = OpenFiles(fs::path(machine.proc) / process);
    const bool has_it = std::ranges::any_of(files, [&memory](const std::string& file) {
      return absl::EndsWith(file, memory) || absl::EndsWith(file, memory + "_wc");
    });
    if (!has_it) continue;
    return std::ranges::count(files, machine.system.dev + "/mem") > 0 ? Bare::kDevMem
                                                                      : Bare::kSysfs;
  }
  return Bare::kNobody;
}

}  // namespace tombolo::control
