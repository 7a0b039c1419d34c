#include "transport/device/sysfs/sysfs_pci_device.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"
#include "transport/device/mapping.h"
#include "transport/device/vfio/pci_finder.h"

namespace tombolo {
namespace {

namespace fs = std::filesystem;

// PCI Local Bus Specification 3.0, 6.2.2.
constexpr off_t kCommandRegister = 4;
constexpr uint16_t kCommandMemory = 1 << 1;

constexpr char kRegistersResource[] = "resource0";

absl::Status CheckNoDriver(const fs::path& device) {
  std::error_code error;
  const std::string driver = fs::read_symlink(device / "driver", error).filename().string();
  if (driver.empty()) return absl::OkStatus();
  const std::string address = device.filename().string();
  return absl::FailedPreconditionError(absl::StrCat(
      "the device ", address, " is held by the driver ", driver,
      ", and access through sysfs needs one without. Take it away with `echo ", address, " > ",
      (device / "driver/unbind").string(), "`, or choose --device ", address, "."));
}

absl::StatusOr<UniqueFd> OpenFile(const fs::path& path, int flags) {
  UniqueFd fd(open(path.c_str(), flags | O_CLOEXEC));
  if (fd.IsOpen()) return fd;
  const absl::Status status = ErrnoStatus(errno, absl::StrCat("open ", path.string()));
  if (!absl::IsPermissionDenied(status)) return status;
  return absl::PermissionDeniedError(absl::StrCat(status.message(), ". Run this program as root."));
}

// Whoever had the device before, firmware or a driver, may have left it deaf to its addresses.
absl::Status DecodeAddresses(const fs::path& device) {
  const absl::StatusOr<UniqueFd> config = OpenFile(device / "config", O_RDONLY);
  if (!config.ok()) return config.status();
  uint16_t command = 0;
  if (pread(config->Get(), &command, sizeof(command), kCommandRegister) != sizeof(command)) {
    return ErrnoStatus(errno, "read the PCI command register");
  }
  if ((command & kCommandMemory) != 0) return absl::OkStatus();
  const absl::StatusOr<UniqueFd> enable = OpenFile(device / "enable", O_WRONLY);
  if (!enable.ok()) return enable.status();
  if (write(enable->Get(), "1", 1) == 1) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrCat("write 1 to ", (device / "enable").string()));
}

absl::Status TakeAlone(int memory, const std::string& address) {
  if (flock(memory, LOCK_EX | LOCK_NB) == 0) return absl::OkStatus();
  if (errno != EWOULDBLOCK) return ErrnoStatus(errno, absl::StrCat("lock the memory of ", address));
  return absl::UnavailableError(absl::StrCat(
      "the device ", address,
      " is held by another process. Either another tombolo-agent runs in this guest, or processes "
      "that were attached to one that has ended still do: end them (`grep -l ",
      kMemoryResource, " /proc/[0-9]*/maps` finds them)."));
}

absl::StatusOr<std::vector<UniqueFd>> MakeEventfds(uint32_t count) {
  std::vector<UniqueFd> eventfds;
  while (eventfds.size() < count) {
    eventfds.emplace_back(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!eventfds.back().IsOpen()) return ErrnoStatus(errno, "make an eventfd");
  }
  return eventfds;
}

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
  absl::StatusOr<UniqueFd> memory = OpenFile(device / kMemoryResource, O_RDWR);
  if (!memory.ok()) return memory.status();
  absl::StatusOr<UniqueFd> registers = OpenFile(device / kRegistersResource, O_RDWR);
  if (!registers.ok()) return registers.status();
  if (auto status = TakeAlone(memory->Get(), *address); !status.ok()) return status;
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
