#include "transport/device/devmem/devmem_pci_device.h"

#include <fcntl.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "transport/device/sysfs/bare_device.h"
#include "transport/device/sysfs/sysfs_device.h"
#include "transport/device/vfio/pci_finder.h"

namespace tombolo {
namespace {

namespace fs = std::filesystem;

constexpr int kRegistersBar = 0;
constexpr int kMemoryBar = 2;

// One line of sysfs's `resource`: first and last address, flags.
struct Bar {
  uint64_t first = 0;
  uint64_t last = 0;
};

absl::StatusOr<Bar> ReadBar(const fs::path& device, int number) {
  std::ifstream resource(device / "resource");
  if (!resource.is_open()) {
    return absl::NotFoundError(absl::StrCat("there is no ", (device / "resource").string(),
                                            " any more: the device was unplugged."));
  }
  std::string line[3];
  for (int i = 0; i <= number; ++i) resource >> line[0] >> line[1] >> line[2];
  Bar bar;
  const bool is_read = absl::SimpleHexAtoi(line[0], &bar.first) &&
                       absl::SimpleHexAtoi(line[1], &bar.last) && bar.first != 0 &&
                       bar.last > bar.first;
  if (resource && is_read) return bar;
  return absl::FailedPreconditionError(
      absl::StrCat((device / "resource").string(), " has '", line[0], " ", line[1], "' for BAR",
                   number, ", expected its first and last address. Is it QEMU's ivshmem?"));
}

absl::StatusOr<VfioWindows> FindWindows(const fs::path& device) {
  const absl::StatusOr<Bar> registers = ReadBar(device, kRegistersBar);
  if (!registers.ok()) return registers.status();
  const absl::StatusOr<Bar> memory = ReadBar(device, kMemoryBar);
  if (!memory.ok()) return memory.status();
  VfioWindows windows;
  windows.memory_offset = memory->first;
  windows.memory_bytes = memory->last - memory->first + 1;
  windows.registers_offset = registers->first;
  if (auto status = CheckMemoryBytes(windows.memory_bytes); !status.ok()) return status;
  return windows;
}

absl::StatusOr<UniqueFd> OpenDevmem(const SystemPaths& paths) {
  const fs::path path = fs::path(paths.dev) / "mem";
  absl::StatusOr<UniqueFd> file = OpenDeviceFile(path, O_RDWR);
  if (!absl::IsNotFound(file.status())) return file;
  return absl::FailedPreconditionError(absl::StrCat(
      "this kernel has no ", path.string(),
      " (it was built without CONFIG_DEVMEM): use vfio, the kernel module, or sysfs."));
}

absl::Status ExplainMapping(const absl::Status& why) {
  if (!absl::IsPermissionDenied(why)) return why;
  return absl::PermissionDeniedError(absl::StrCat(
      why.message(),
      ". The kernel maps no device through /dev/mem when it is locked down (see "
      "/sys/kernel/security/lockdown), or when it was built with CONFIG_STRICT_DEVMEM and "
      "CONFIG_IO_STRICT_DEVMEM and something holds the device's addresses: use vfio, the kernel "
      "module, or sysfs."));
}

absl::StatusOr<fs::path> FolderOf(int file) {
  std::error_code error;
  const fs::path path = fs::read_symlink(absl::StrCat("/proc/self/fd/", file), error);
  if (!error) return path.parent_path();
  return absl::FailedPreconditionError(
      absl::StrCat("descriptor ", file, " of the ivshmem device is none: ", error.message(), "."));
}

}  // namespace

absl::StatusOr<std::unique_ptr<DevmemPciDevice>> DevmemPciDevice::Open(const SystemPaths& paths,
                                                                       std::string_view wanted) {
  const absl::StatusOr<std::string> address = FindIvshmemPci(paths, wanted);
  if (!address.ok()) return address.status();
  const fs::path device = fs::path(paths.sys) / "bus/pci/devices" / *address;
  if (auto status = CheckNoDriver(device); !status.ok()) return status;
  absl::StatusOr<UniqueFd> memory = OpenDevmem(paths);
  if (!memory.ok()) return memory.status();
  absl::StatusOr<UniqueFd> lock = OpenDeviceFile(device / kMemoryResource, O_RDWR);
  if (!lock.ok()) return lock.status();
  if (auto status = TakeAlone(lock->Get(), *address, "/dev/mem"); !status.ok()) return status;
  if (auto status = DecodeAddresses(device); !status.ok()) return status;
  const absl::StatusOr<uint32_t> count = CountMsixVectors(paths, *address);
  if (!count.ok()) return count.status();
  absl::StatusOr<std::vector<UniqueFd>> eventfds = MakeEventfds(*count);
  if (!eventfds.ok()) return eventfds.status();
  return Adopt({*std::move(memory), *std::move(lock), *std::move(eventfds)});
}

absl::StatusOr<std::unique_ptr<DevmemPciDevice>> DevmemPciDevice::Adopt(
    DevmemDescriptors descriptors) {
  const absl::StatusOr<fs::path> folder = FolderOf(descriptors.lock.Get());
  if (!folder.ok()) return folder.status();
  const absl::StatusOr<VfioWindows> windows = FindWindows(*folder);
  if (!windows.ok()) return windows.status();
  auto device = VfioDevice::Map(descriptors.memory.Get(), *windows);
  if (!device.ok()) return ExplainMapping(device.status());
  return std::unique_ptr<DevmemPciDevice>(
      new DevmemPciDevice(std::move(descriptors), *windows, *std::move(device)));
}

DevmemPciDevice::DevmemPciDevice(DevmemDescriptors descriptors, const VfioWindows& windows,
                                 std::unique_ptr<VfioDevice> device)
    : descriptors_(std::move(descriptors)), windows_(windows), device_(std::move(device)) {}

}  // namespace tombolo
