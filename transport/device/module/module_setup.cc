#include "transport/device/module/module_setup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"
#include "transport/device/module/module_device.h"

namespace tombolo {

namespace fs = std::filesystem;

std::string FindModuleName(const SystemPaths& paths, const std::string& address) {
  const fs::path folder = fs::path(paths.sys) / "bus/pci/devices" / address / "tombolo";
  std::error_code error;
  const fs::directory_iterator found(folder, error);
  return error || found == fs::directory_iterator() ? "" : found->path().filename().string();
}

absl::StatusOr<std::string> FindModulePath(const SystemPaths& paths, const std::string& address) {
  const std::string name = FindModuleName(paths, address);
  if (!name.empty()) return absl::StrCat(paths.dev, "/", name);
  return NotBoundToModule(absl::StrCat("the device ", address, " is not"));
}

absl::Status NotBoundToModule(std::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat(
      std::string(what),
      " bound to the kernel module tombolo. Build it as guest/module/README.md says, and load it "
      "with `tombolo-bind start`, which takes devices from vfio-pci too."));
}

absl::StatusOr<UniqueFd> OpenModuleFile(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (fd.IsOpen()) return fd;
  const absl::Status status = ErrnoStatus(errno, absl::StrCat("open ", path));
  if (!absl::IsPermissionDenied(status)) return status;
  return absl::PermissionDeniedError(
      absl::StrCat(status.message(), ". Run this program as root, or as a member of its group."));
}

absl::Status LockModuleFile(int file, const std::string& path, std::string_view who) {
  if (flock(file, LOCK_EX | LOCK_NB) == 0) return absl::OkStatus();
  if (errno != EWOULDBLOCK) return ErrnoStatus(errno, absl::StrCat("lock ", path));
  return absl::UnavailableError(
      absl::StrCat(path, " is held by another process: ", std::string(who), "."));
}

absl::StatusOr<tombolo_info> ReadModuleInfo(int file) {
  tombolo_info info{};
  if (ioctl(file, TOMBOLO_GET_INFO, &info) != 0) {
    return NoInfo(errno);
  }
  if (info.abi_version == TOMBOLO_ABI_VERSION) return info;
  return absl::FailedPreconditionError(absl::StrCat(
      "the kernel module tombolo has interface ", info.abi_version, ", this program knows ",
      TOMBOLO_ABI_VERSION, ": install one release of Tombolo, and load its module."));
}

absl::StatusOr<std::vector<UniqueFd>> SignalModuleEventfds(int file, uint32_t count) {
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

}  // namespace tombolo
