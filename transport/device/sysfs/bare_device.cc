#include "transport/device/sysfs/bare_device.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <unistd.h>

#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"

namespace tombolo {
namespace {

namespace fs = std::filesystem;

// PCI Local Bus Specification 3.0, 6.2.2.
constexpr off_t kCommandRegister = 4;
constexpr uint16_t kCommandMemory = 1 << 1;

}  // namespace

absl::Status CheckNoDriver(const fs::path& device) {
  std::error_code error;
  const std::string driver = fs::read_symlink(device / "driver", error).filename().string();
  if (driver.empty()) return absl::OkStatus();
  const std::string address = device.filename().string();
  return absl::FailedPreconditionError(
      absl::StrCat("the device ", address, " is held by the driver ", driver,
                   ", and this way needs one without. Take it away with `echo ", address, " > ",
                   (device / "driver/unbind").string(), "`, or choose --device ", address, "."));
}

absl::StatusOr<UniqueFd> OpenDeviceFile(const fs::path& path, int flags) {
  UniqueFd fd(open(path.c_str(), flags | O_CLOEXEC));
  if (fd.IsOpen()) return fd;
  const absl::Status status = ErrnoStatus(errno, absl::StrCat("open ", path.string()));
  if (!absl::IsPermissionDenied(status)) return status;
  return absl::PermissionDeniedError(absl::StrCat(status.message(), ". Run this program as root."));
}

absl::Status DecodeAddresses(const fs::path& device) {
  const absl::StatusOr<UniqueFd> config = OpenDeviceFile(device / "config", O_RDONLY);
  if (!config.ok()) return config.status();
  uint16_t command = 0;
  if (pread(config->Get(), &command, sizeof(command), kCommandRegister) != sizeof(command)) {
    return ErrnoStatus(errno, "read the PCI command register");
  }
  if ((command & kCommandMemory) != 0) return absl::OkStatus();
  const absl::StatusOr<UniqueFd> enable = OpenDeviceFile(device / "enable", O_WRONLY);
  if (!enable.ok()) return enable.status();
  if (write(enable->Get(), "1", 1) == 1) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrCat("write 1 to ", (device / "enable").string()));
}

absl::Status TakeAlone(int file, const std::string& address, const std::string& maps) {
  if (flock(file, LOCK_EX | LOCK_NB) == 0) return absl::OkStatus();
  if (errno != EWOULDBLOCK) return ErrnoStatus(errno, absl::StrCat("lock the memory of ", address));
  return absl::UnavailableError(absl::StrCat(
      "the device ", address,
      " is held by another process. Either another tombolo-agent runs in this guest, or processes "
      "that were attached to one that has ended still do: end them (`grep -l ",
      maps, " /proc/[0-9]*/maps` finds them)."));
}

absl::StatusOr<std::vector<UniqueFd>> MakeEventfds(uint32_t count) {
  std::vector<UniqueFd> eventfds;
  while (eventfds.size() < count) {
    eventfds.emplace_back(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!eventfds.back().IsOpen()) return ErrnoStatus(errno, "make an eventfd");
  }
  return eventfds;
}

}  // namespace tombolo
