#include "control/doctor/emulator_checks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

#include <cstdio>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "control/doctor/command_output.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {
namespace {

constexpr char kDevice[] = "ivshmem-doorbell";

// Older ones may do, but nobody tries them.
constexpr std::pair<int, int> kOldestTested = {7, 2};

// Of guests without an operating system (guest/flat), and its device for ivshmem v2.
constexpr char kFlatProgram[] = "qemu-system-arm";
constexpr char kFlatBoard[] = "mps2-an385";
constexpr char kV2Device[] = "vfio-user-pci";

constexpr char kSlowly[] = "; without KVM QEMU emulates the processor, some ten times slower";

Finding CannotOpen(int error, const std::string& path) {
  if (error == EACCES || error == EPERM) {
    return Warning(absl::StrCat("this user may not open ", path, ", so it was not seen"),
                   "usermod -aG kvm USER for whoever starts QEMU, then log in again");
  }
  return Warning(absl::StrCat("no ", path, ": ", strerror(error), kSlowly),
                 "turn virtualisation on in the firmware, then modprobe kvm_intel or kvm_amd; in a "
                 "virtual machine, ask for nested virtualisation");
}

std::string MachineName() {
  utsname names{};
  uname(&names);
  return names.machine;
}

// Of "QEMU emulator version 7.2.22 (Debian ...)".
std::optional<std::pair<int, int>> VersionIn(const std::string& text) {
  constexpr char kBefore[] = "version ";
  const size_t at = text.find(kBefore);
  std::pair<int, int> version;
  if (at == std::string::npos || sscanf(text.c_str() + at + sizeof(kBefore) - 1, "%d.%d",
                                        &version.first, &version.second) != 2) {
    return std::nullopt;
  }
  return version;
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

Finding WithoutDevice(const std::string& program, const CommandOutput& output) {
  return Problem(absl::StrCat(program, " has no device ", kDevice, ": ", FirstLine(output.text)),
                 "install a QEMU that was built with it, as Debian's qemu-system-x86 is");
}

}  // namespace

Finding CheckKvm(const Machine& machine) {
  const std::string path = machine.system.dev + "/kvm";
  const UniqueFd kvm(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!kvm.IsOpen()) return CannotOpen(errno, path);
  const int version = ioctl(kvm.Get(), KVM_GET_API_VERSION, 0);
  if (version != KVM_API_VERSION) {
    return Warning(
        absl::StrCat(path, " has API version ", version, ", expected ", KVM_API_VERSION, kSlowly),
        "look whether it is the kernel's own: `ls -l /dev/kvm` says 10, 232");
  }
  const UniqueFd empty_machine(ioctl(kvm.Get(), KVM_CREATE_VM, 0));
  if (!empty_machine.IsOpen()) {
    return Warning(absl::StrCat(path, " makes no virtual machine: ", strerror(errno), kSlowly),
                   "another hypervisor may hold the processor; `dmesg | grep -i kvm` tells more");
  }
  return Well(absl::StrCat(path, " makes virtual machines (API version ", version, ")"));
}

Finding CheckQemu(const Machine&) {
  const std::string program = "qemu-system-" + MachineName();
  const absl::StatusOr<CommandOutput> asked = RunCommand({program, "--version"});
  if (!asked.ok()) {
    return Warning(absl::StrCat(std::string(asked.status().message()),
                                "; processes of the host need no QEMU, virtual machines do"),
                   "apt install qemu-system-x86 (qemu-system-arm on arm64)");
  }
  const std::optional<std::pair<int, int>> version = VersionIn(asked->text);
  if (!version) {
    return Warning(absl::StrCat(program, " tells no version: ", FirstLine(asked->text)),
                   absl::StrCat("run `", program, " --version` and see"));
  }
  const absl::StatusOr<CommandOutput> device =
      RunCommand({program, "-device", absl::StrCat(kDevice, ",help")});
  // Its exit code is 0 also when there is none.
  if (device.ok() && !absl::StrContains(device->text, absl::StrCat(kDevice, " options"))) {
    return WithoutDevice(program, *device);
  }
  const std::string text =
      absl::StrCat(program, " ", version->first, ".", version->second, " with ", kDevice);
  if (*version >= kOldestTested) return Well(text);
  return Warning(absl::StrCat(text, "; tested are ", kOldestTested.first, ".", kOldestTested.second,
                              " and newer"),
                 "install a newer QEMU");
}

Finding CheckFlat(const Machine&) {
  const absl::StatusOr<CommandOutput> boards = RunCommand({kFlatProgram, "-machine", "help"});
  if (!boards.ok()) {
    return Well(absl::StrCat("no ", kFlatProgram,
                             ", which firmware behind tombolo-flat needs, and "
                             "nothing else"));
  }
  const bool has_board = absl::StrContains(boards->text, kFlatBoard);
  return Well(absl::StrCat(kFlatProgram, has_board ? " with " : " without ", kFlatBoard,
                           ", on which firmware behind tombolo-flat was tried"));
}

Finding CheckV2(const Machine&) {
  const std::string program = "qemu-system-" + MachineName();
  const absl::StatusOr<CommandOutput> device =
      RunCommand({program, "-device", absl::StrCat(kV2Device, ",help")});
  const bool has_device =
      device.ok() && absl::StrContains(device->text, absl::StrCat(kV2Device, " options"));
  if (has_device) return Well(absl::StrCat(program, " has ", kV2Device, ", for tombolo-ivshmem2"));
  return Well(absl::StrCat("no QEMU with ", kV2Device,
                           " (10.1 and newer have it), which tombolo-ivshmem2 needs, and nothing "
                           "else"));
}

}  // namespace tombolo::control
