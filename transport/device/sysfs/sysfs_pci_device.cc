#include "transport/device/sysfs/sysfs_pci_device.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "transport/device/mapping.h"
#include "transport/device/sysfs/bare_device.h"
#include "transport/device/vfio/pci_finder.h"

namespace tombolo {
namespace {

namespace fs = std::filesystem;

constexpr char kRegistersResource[] = "resource0";

// The folder in sysfs of the device that `file` is a file of: it is moved nowhere while it is open.
absl::StatusOr<fs::path> FolderOf(int file) {
  std::error_code error;
  const fs::path path = fs::read_symlink(absl::StrCat("/proc/self/fd/", file), error);
  if (!error) return path.parent_path();
  return absl::FailedPreconditionError(
      absl::StrCat("descriptor ", file, " of the ivshmem device is none: ", error.message(), "."));
}

// Where BAR0 begins in its page. A line of `resource` for each BAR: first and last address, flags.
absl::StatusOr<uint64_t> FindRegisters(int registers) {
  const absl::StatusOr<fs::path> folder = FolderOf(registers);
  if (!folder.ok()) return folder.status();
  std::ifstream resource(*folder / "resource");
  if (!resource.is_open()) {
    return absl::NotFoundError(absl::StrCat("there is no ", (*folder / "resource").string(),
                                            " any more: the device was unplugged."));
  }
  std::string first;
  uint64_t address = 0;
  if (resource >> first && absl::SimpleHexAtoi(first, &address)) {
    return address % static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  }
  return absl::FailedPreconditionError(absl::StrCat((*folder / "resource").string(),
                                                    " begins with '", first,
                                                    "', expected the address of BAR0."));
}

absl::Status ExplainMapping(const absl::Status& why) {
  if (!absl::IsPermissionDenied(why)) return why;
  return absl::PermissionDeniedError(absl::StrCat(
      why.message(),
      ". A kernel that is locked down (see /sys/kernel/security/lockdown) gives nobody access to "
      "devices through sysfs: use vfio, or a signed kernel module."));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SysfsPciDevice>> SysfsPciDevice::Open(const SystemPaths& paths,
                                                                     std::string_view wanted) {
  const absl::StatusOr<std::string> address = FindIvshmemPci(paths, wanted);
  if (!address.ok()) return address.status();
  const fs::path device = fs::path(paths.sys) / "bus/pci/devices" / *address;
  if (auto status = CheckNoDriver(device); !status.ok()) return status;
  absl::StatusOr<UniqueFd> memory = OpenDeviceFile(device / kMemoryResource, O_RDWR);
  if (!memory.ok()) return memory.status();
  absl::StatusOr<UniqueFd> registers = OpenDeviceFile(device / kRegistersResource, O_RDWR);
  if (!registers.ok()) return registers.status();
  if (auto status = TakeAlone(memory->Get(), *address, kMemoryResource); !status.ok())
    return status;
  if (auto status = DecodeAddresses(device); !status.ok()) return status;
  const absl::StatusOr<uint32_t> count = CountMsixVectors(paths, *address);
  if (!count.ok()) return count.status();
  absl::StatusOr<std::vector<UniqueFd>> eventfds = MakeEventfds(*count);
  if (!eventfds.ok()) return eventfds.status();
  return Adopt({*std::move(memory), *std::move(registers), *std::move(eventfds)});
}

absl::StatusOr<std::unique_ptr<SysfsPciDevice>> SysfsPciDevice::Adopt(
    SysfsDescriptors descriptors) {
  const int memory = descriptors.memory.Get();
  const int registers = descriptors.registers.Get();
  const absl::StatusOr<uint64_t> memory_bytes = FileBytes(memory);
  if (!memory_bytes.ok()) return memory_bytes.status();
  if (auto status = CheckMemoryBytes(*memory_bytes); !status.ok()) return status;
  const absl::StatusOr<uint64_t> offset = FindRegisters(registers);
  if (!offset.ok()) return offset.status();
  auto device = SysfsDevice::Map({memory, registers}, *memory_bytes, *offset);
  if (!device.ok()) return ExplainMapping(device.status());
  return std::unique_ptr<SysfsPciDevice>(
      new SysfsPciDevice(std::move(descriptors), *offset, *std::move(device)));
}

SysfsPciDevice::SysfsPciDevice(SysfsDescriptors descriptors, uint64_t registers_offset,
                               std::unique_ptr<SysfsDevice> device)
    : descriptors_(std::move(descriptors)),
      registers_offset_(registers_offset),
      device_(std::move(device)) {}

}  // namespace tombolo
