#include "transport/device/module/module_pci_device.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/file.h>
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
#include "transport/device/vfio/pci_finder.h"

namespace tombolo {
namespace {

namespace fs = std::filesystem;

absl::StatusOr<UniqueFd> OpenFile(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (fd.IsOpen()) return fd;
  const absl::Status status = ErrnoStatus(errno, absl::StrCat("open ", path));
  if (!absl::IsPermissionDenied(status)) return status;
  return absl::PermissionDeniedError(
      absl::StrCat(status.message(), ". Run this program as root, or as a member of its group."));
}

absl::StatusOr<tombolo_info> Info(int file) {
  tombolo_info info{};
  if (ioctl(file, TOMBOLO_GET_INFO, &info) != 0) {
    return NoInfo(errno);
  }
  if (info.abi_version == TOMBOLO_ABI_VERSION) return info;
  return absl::FailedPreconditionError(absl::StrCat(
      "the kernel module tombolo has interface ", info.abi_version, ", this program knows ",
      TOMBOLO_ABI_VERSION, ": install one release of Tombolo, and load its module."));
}

absl::Status TakeAlone(int file, const std::string& path) {
  if (flock(file, LOCK_EX | LOCK_NB) == 0) return absl::OkStatus();
  if (errno != EWOULDBLOCK) return ErrnoStatus(errno, absl::StrCat("lock ", path));
  return absl::UnavailableError(
      absl::StrCat(path, " is held by another process: another tombolo-agent runs in this guest."));
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

// Has each vector signal an eventfd that it makes.
absl::StatusOr<std::vector<UniqueFd>> SignalEventfds(int file, uint32_t count) {
  std::vector<UniqueFd> eventfds;
  for (uint32_t vector = 0; vector < count; ++vector) {
    eventfds.emplace_back(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!eventfds.back().IsOpen()) return ErrnoStatus(errno, "make an eventfd");
    const tombolo_eventfd request{.vector = vector, .fd = eventfds.back().Get()};
    if (ioctl(file, TOMBOLO_SET_EVENTFD, &request) != 0) {
      return ErrnoStatus(errno, absl::StrCat("have vector ", vector, " signal an eventfd"));
    }
  }
  return eventfds;
}

absl::Status NotBound(const std::string& what) {
  return absl::FailedPreconditionError(absl::StrCat(
      what,
      " bound to the kernel module tombolo. Build it as guest/module/README.md says, and load it "
      "with `tombolo-bind start`, which takes devices from vfio-pci too."));
}

absl::StatusOr<std::string> FindPath(const SystemPaths& paths, const std::string& address) {
  const std::string name = FindModuleName(paths, address);
  if (!name.empty()) return absl::StrCat(paths.dev, "/", name);
  return NotBound(absl::StrCat("the device ", address, " is not"));
}

}  // namespace

absl::StatusOr<std::string> FindModuleAddress(const SystemPaths& paths, std::string_view wanted) {
  if (wanted != kAnyPciDevice) return std::string(wanted);
  std::vector<std::string> bound;
  std::error_code error;
  for (const auto& entry :
       fs::directory_iterator(fs::path(paths.sys) / "bus/pci/drivers/tombolo", error)) {
    // Beside files such as `bind` there is a link for each device, named by its address.
    std::string name = entry.path().filename().string();
    if (name.find(':') != std::string::npos) bound.push_back(std::move(name));
  }
  if (bound.empty()) return NotBound("no device is");
  if (bound.size() == 1) return bound.front();
  std::ranges::sort(bound);
  return absl::InvalidArgumentError(absl::StrCat(
      "the kernel module tombolo has ", bound.size(), " devices: ", absl::StrJoin(bound, ", "),
      ". Choose one, as in --device module:", bound.front(), "."));
}

std::string FindModuleName(const SystemPaths& paths, const std::string& address) {
  const fs::path folder = fs::path(paths.sys) / "bus/pci/devices" / address / "tombolo";
  std::error_code error;
  const fs::directory_iterator found(folder, error);
  return error || found == fs::directory_iterator() ? "" : found->path().filename().string();
}

absl::StatusOr<std::unique_ptr<ModulePciDevice>> ModulePciDevice::Open(const SystemPaths& paths,
                                                                       std::string_view wanted) {
  const absl::StatusOr<std::string> address = FindModuleAddress(paths, wanted);
  if (!address.ok()) return address.status();
  const absl::StatusOr<std::string> path = FindPath(paths, *address);
  if (!path.ok()) return path.status();
  absl::StatusOr<UniqueFd> own = OpenFile(*path);
  if (!own.ok()) return own.status();
  if (auto status = TakeAlone(own->Get(), *path); !status.ok()) return status;
  const absl::StatusOr<tombolo_info> info = Info(own->Get());
  if (!info.ok()) return info.status();
  absl::StatusOr<UniqueFd> endpoints = OpenFile(*path);
  if (!endpoints.ok()) return endpoints.status();
  if (auto status = Seal(endpoints->Get(), info->memory_bytes); !status.ok()) return status;
  absl::StatusOr<std::vector<UniqueFd>> eventfds = SignalEventfds(own->Get(), info->vectors);
  if (!eventfds.ok()) return eventfds.status();
  return Adopt({*std::move(own), *std::move(endpoints), *std::move(eventfds)});
}

absl::StatusOr<std::unique_ptr<ModulePciDevice>> ModulePciDevice::Adopt(
    ModuleDescriptors descriptors) {
  const absl::StatusOr<tombolo_info> info = Info(descriptors.own.Get());
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
