#include "control/doctor/device_checks.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "control/cli/short_units.h"
#include "control/doctor/guest_devices.h"
#include "control/doctor/system_file.h"
#include "transport/device/module/module_pci_device.h"
#include "transport/device/vfio/pci_finder.h"

namespace tombolo::control {
namespace {

namespace fs = std::filesystem;

constexpr char kVfioPci[] = "vfio-pci";
constexpr char kModule[] = "tombolo";
constexpr char kOrModule[] =
    "; or go without vfio and IOMMU (docs/devices.md): by the kernel module of Tombolo "
    "(guest/module/README.md), or slowly by tombolo-agent --device sysfs or mem";
constexpr char kGiveDevice[] =
    "start this virtual machine with the options that `tombolo vm-args SLOT` prints on the host";
constexpr char kIommuOptions[] =
    "-M q35,kernel-irqchip=split -device intel-iommu,intremap=on, the latter before all devices";

// Intel VT-d specification, extended capability register: interrupt remapping is supported.
constexpr uint64_t kInterruptRemapping = uint64_t{1} << 3;

fs::path DeviceFolder(const Machine& machine, const std::string& address) {
  return fs::path(machine.system.sys) / "bus/pci/devices" / address;
}

Finding NoDevice(const Machine& machine) {
  const std::vector<std::string> v2 = IvshmemV2Devices(machine);
  if (v2.empty()) return Problem("there is no ivshmem device (PCI 1af4:1110)", kGiveDevice);
  return Warning(
      absl::StrCat("ivshmem v2 device found: ", absl::StrJoin(v2, ", "),
                   " (PCI 110a:4106), but no ivshmem-doorbell (1af4:1110)"),
      absl::StrCat("`tombolo v2 status` shows it (docs/devices.md); for the second ", kGiveDevice));
}

// What the kernel says of the device's BAR2; 0 when it does not.
uint64_t MemoryBytes(const Machine& machine, const std::string& address) {
  std::error_code error;
  const uintmax_t bytes = fs::file_size(DeviceFolder(machine, address) / "resource2", error);
  return error ? 0 : bytes;
}

// Whether any IOMMU of Intel's says that it cannot remap interrupts. Others do not say it here.
bool LacksRemapping(const Machine& machine) {
  const fs::path iommus = fs::path(machine.system.sys) / "class/iommu";
  return std::ranges::any_of(NamesIn(iommus), [&iommus](const std::string& name) {
    const std::optional<uint64_t> capabilities = ReadHexFile(iommus / name / "intel-iommu/ecap");
    return capabilities && (*capabilities & kInterruptRemapping) == 0;
  });
}

Finding NoGroup(const Machine& machine, const std::string& address) {
  const std::optional<std::string> kernel = ReadSystemFile(machine.proc + "/cmdline");
  const bool asked = kernel && absl::StrContains(*kernel, "intel_iommu=on");
  return Problem(
      absl::StrCat(address, " is in no IOMMU group, and vfio needs one; the kernel was ",
                   asked ? "" : "not ", "started with intel_iommu=on"),
      asked ? absl::StrCat("start QEMU with ", kIommuOptions, kOrModule)
            : absl::StrCat("add intel_iommu=on to the kernel's command line and boot again, and "
                           "start QEMU with ",
                           kIommuOptions, kOrModule));
}

bool IsLoaded(const Machine& machine, const std::string& module) {
  std::error_code error;
  return fs::exists(fs::path(machine.system.sys) / "module" / module, error);
}

Finding NoVfio() {
  return Problem("the kernel modules vfio-pci and vfio_iommu_type1 are not both loaded",
                 absl::StrCat("modprobe -a vfio-pci vfio_iommu_type1, and both names into "
                              "/etc/modules-load.d/tombolo.conf",
                              kOrModule));
}

Finding AnotherDriver(const std::string& address, const std::string& driver) {
  const std::string useless =
      driver == "uio_pci_generic" ? ", which gives no access to the memory of this device" : "";
  return Warning(absl::StrCat(address, " is held by the driver ", driver, useless),
                 "tombolo-agent takes it for vfio-pci when it starts as root");
}

Finding HasModule(const Machine& machine, const std::string& address) {
  const std::string name = FindModuleName(machine.system, address);
  const std::string path = absl::StrCat(machine.system.dev, "/", name);
  std::error_code error;
  if (!name.empty() && fs::exists(path, error)) {
    return Well(absl::StrCat(address, " has the kernel module tombolo, ", path, " is there"));
  }
  return Problem(
      absl::StrCat(address, " has the kernel module tombolo, but there is no file of it"),
      "look whether /dev is a devtmpfs, or run tombolo-bind start");
}

// Bound to vfio-pci: whether this user could open it is not asked, since the agent holds it.
Finding Bound(const Machine& machine, const std::string& address) {
  const std::string group = IommuGroupOf(machine, address);
  const std::string path = absl::StrCat(machine.system.dev, "/vfio/", group);
  std::error_code error;
  if (!group.empty() && fs::exists(path, error)) {
    return Well(absl::StrCat(address, " is bound to vfio-pci, ", path, " is there"));
  }
  return Problem(absl::StrCat(address, " is bound to vfio-pci, but there is no ", path),
                 "look whether /dev is a devtmpfs, or bind the device again");
}

// Held without a driver: that is slow, and the only way where nothing may be installed.
Finding HeldBare(const std::string& address, Bare bare) {
  const char* what = bare == Bare::kDevMem ? "/dev/mem, for root's processes only" : "sysfs";
  return Warning(absl::StrCat(address, " is used through ", what,
                              ", without interrupts: who sleeps is woken half a millisecond late"),
                 "take vfio, or the kernel module of Tombolo (guest/module/README.md)");
}

Finding IommuOf(const Machine& machine, const std::string& address) {
  if (DriverOf(machine, address) == kModule) {
    return Well(absl::StrCat(address, " has the kernel module, which needs no IOMMU"));
  }
  if (BareHolder(machine, address) != Bare::kNobody) {
    return Well(absl::StrCat(address, " is used without a driver, which needs no IOMMU"));
  }
  const std::string group = IommuGroupOf(machine, address);
  if (group.empty()) return NoGroup(machine, address);
  if (LacksRemapping(machine)) {
    return Problem("the IOMMU remaps no interrupts, and vfio asks for that",
                   absl::StrCat("start QEMU with ", kIommuOptions, kOrModule));
  }
  std::vector<std::string> others =
      NamesIn(fs::path(machine.system.sys) / "kernel/iommu_groups" / group / "devices");
  std::erase(others, address);
  if (others.empty()) return Well(absl::StrCat(address, " is alone in IOMMU group ", group));
  return Warning(absl::StrCat("IOMMU group ", group, " has other devices too: ",
                              absl::StrJoin(others, ", "), "; vfio asks for all of them"),
                 "put the ivshmem device on a PCI slot of its own");
}

Finding HolderOf(const Machine& machine, const std::string& address) {
  const std::string driver = DriverOf(machine, address);
  if (driver == kModule) return HasModule(machine, address);
  if (driver == kVfioPci) return Bound(machine, address);
  const Bare bare = BareHolder(machine, address);
  if (bare != Bare::kNobody) return HeldBare(address, bare);
  if (!IsLoaded(machine, "vfio_pci") || !IsLoaded(machine, "vfio_iommu_type1")) return NoVfio();
  if (!driver.empty()) return AnotherDriver(address, driver);
  return Well(absl::StrCat(
      address, " has no driver yet: tombolo-agent binds it to vfio-pci when it starts"));
}

// One finding of what `check` finds of each device: the worst level, and what is said of all.
Finding OfEach(const Machine& machine, Finding (*check)(const Machine&, const std::string&)) {
  Finding all;
  std::vector<std::string> texts;
  std::vector<std::string> mends;
  for (const std::string& address : UsableDevices(machine)) {
    const Finding one = check(machine, address);
    all.level = std::max(all.level, one.level);
    if (std::ranges::count(texts, one.text) == 0) texts.push_back(one.text);
    if (!one.mend.empty() && std::ranges::count(mends, one.mend) == 0) mends.push_back(one.mend);
  }
  all.text = absl::StrJoin(texts, "; ");
  all.mend = absl::StrJoin(mends, "; ");
  return all;
}

// Whether the device's memory can be a region.
Finding MemoryOf(const Machine& machine, const std::string& address) {
  const uint64_t bytes = MemoryBytes(machine, address);
  const std::map<std::string, double> numbers = {{"bytes", static_cast<double>(bytes)}};
  if (absl::Status good = CheckMemoryBytes(bytes); !good.ok()) {
    return Problem(absl::StrCat(address, ": ", std::string(good.message())),
                   "connect the device's chardev to a socket of tombolod", numbers);
  }
  return Well(absl::StrCat(address, " with ", ShortBytes(bytes), " of shared memory and MSI-X"),
              numbers);
}

// Each of them may be well, and yet the agent must be told which one it is to take.
Finding Several(const Machine& machine) {
  Finding all = OfEach(machine, MemoryOf);
  if (all.level != Level::kOk) return all;
  return Warning(absl::StrCat("there are several ivshmem devices: ", all.text),
                 "name one to each agent, with tombolo-agent --device ADDRESS");
}

}  // namespace

Finding CheckDevice(const Machine& machine) {
  const std::vector<std::string> all = IvshmemDevices(machine);
  if (all.empty()) return NoDevice(machine);
  const absl::StatusOr<std::string> found = FindIvshmemPci(machine.system, kAnyPciDevice);
  if (absl::IsPermissionDenied(found.status())) {
    return Warning(absl::StrCat(absl::StrJoin(all, ", "),
                                ": whether it can interrupt (MSI-X) was not seen, only root may "
                                "read that"),
                   "run tombolo doctor as root");
  }
  if (absl::IsInvalidArgument(found.status())) return Several(machine);
  if (!found.ok()) return Problem(std::string(found.status().message()), kGiveDevice);
  return MemoryOf(machine, *found);
}

Finding CheckIommu(const Machine& machine) {
  if (IvshmemDevices(machine).empty()) return NoDevice(machine);
  return OfEach(machine, IommuOf);
}

Finding CheckDriver(const Machine& machine) {
  if (IvshmemDevices(machine).empty()) return NoDevice(machine);
  return OfEach(machine, HolderOf);
}

}  // namespace tombolo::control
