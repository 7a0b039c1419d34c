#include "control/ivshmem_peer/device_peer.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "transport/base/memory_type.h"
#include "transport/base/units.h"
#include "transport/device/devmem/devmem_pci_device.h"
#include "transport/device/ivshmem_registers.h"
#include "transport/device/module/module_pci_device.h"
#include "transport/device/sysfs/bare_device.h"
#include "transport/device/sysfs/sysfs_pci_device.h"
#include "transport/device/vfio/pci_finder.h"
#include "transport/device/vfio/vfio_pci_device.h"

namespace tombolo::control {
namespace {

// PciDevice: one of transport/device that has interrupts, or has eventfds that nobody signals.
template <typename PciDevice>
class DevicePeer final : public IvshmemPeer {
 public:
  DevicePeer(std::unique_ptr<PciDevice> device, Interrupts interrupts)
      : device_(std::move(device)), interrupts_(interrupts) {}

  uint32_t Id() const override { return device_->Slot(); }
  absl::StatusOr<std::span<std::byte>> Memory(Access) override { return device_->Memory(); }
  MemoryType Type() const override { return device_->Type(); }

  absl::Status Ring(uint32_t peer, uint32_t vector) override {
    if (peer > UINT16_MAX || vector > kMaxDoorbellVector) {
      return absl::InvalidArgumentError(absl::StrCat("no device can ring ", peer, ":", vector,
                                                     ": peers are 0 to ", UINT16_MAX,
                                                     ", vectors 0 to ", kMaxDoorbellVector, "."));
    }
    device_->Ring(static_cast<uint16_t>(peer), static_cast<uint16_t>(vector));
    return absl::OkStatus();
  }

  absl::Status Listen(uint32_t vector) override {
    if (interrupts_ == Interrupts::kNotNeeded) {
      return absl::FailedPreconditionError(
          "a device that is used without a driver interrupts nobody; name vfio or module, as in "
          "--ivshmem-device vfio.");
    }
    const auto& eventfds = device_->Descriptors().eventfds;
    if (vector >= eventfds.size()) {
      return absl::NotFoundError(absl::StrCat("this device has no vector ", vector,
                                              ": it has 0 to ", eventfds.size() - 1, "."));
    }
    heard_ = eventfds[vector].Get();
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> Await(int64_t timeout_ns) override {
    pollfd input{.fd = heard_, .events = POLLIN, .revents = 0};
    const timespec timeout{.tv_sec = timeout_ns / kNsPerSecond,
                           .tv_nsec = timeout_ns % kNsPerSecond};
    eventfd_t rings = 0;
    if (ppoll(&input, 1, &timeout, nullptr) > 0) eventfd_read(heard_, &rings);
    return rings;
  }

  absl::StatusOr<std::string> Describe() override {
    return absl::StrCat("vectors ", device_->Descriptors().eventfds.size(), "\n");
  }

 private:
  const std::unique_ptr<PciDevice> device_;
  const Interrupts interrupts_;  // Whether there are any.
  int heard_ = -1;
};

template <typename PciDevice>
absl::StatusOr<std::unique_ptr<IvshmemPeer>> Open(const SystemPaths& paths,
                                                  const std::string& address,
                                                  Interrupts interrupts) {
  absl::StatusOr<std::unique_ptr<PciDevice>> device = PciDevice::Open(paths, address);
  if (!device.ok()) return device.status();
  return std::make_unique<DevicePeer<PciDevice>>(*std::move(device), interrupts);
}

absl::StatusOr<DeviceWay> FindWay(const SystemPaths& paths, const std::string& wanted,
                                  Interrupts interrupts) {
  absl::StatusOr<std::string> address = FindIvshmemPci(paths, wanted);
  // Only root may read what tells more than whether a device is bound to the module.
  if (absl::IsPermissionDenied(address.status())) address = FindModuleAddress(paths, wanted);
  if (!address.ok()) return address.status();
  if (!FindModuleName(paths, *address).empty()) return DeviceWay::kModule;
  const auto device = std::filesystem::path(paths.sys) / "bus/pci/devices" / *address;
  const bool is_bare = CheckNoDriver(device).ok();
  return is_bare && interrupts == Interrupts::kNotNeeded ? DeviceWay::kSysfs : DeviceWay::kVfio;
}

}  // namespace

absl::StatusOr<std::unique_ptr<IvshmemPeer>> OpenDevicePeer(const SystemPaths& paths,
                                                            const DeviceChoice& choice,
                                                            Interrupts interrupts) {
  absl::StatusOr<DeviceWay> way = choice.way;
  if (choice.way == DeviceWay::kAny) way = FindWay(paths, choice.address, interrupts);
  if (!way.ok()) return way.status();
  switch (*way) {
    case DeviceWay::kModule:
      return Open<ModulePciDevice>(paths, choice.address, Interrupts::kNeeded);
    case DeviceWay::kAny:
    case DeviceWay::kVfio:
      return Open<VfioPciDevice>(paths, choice.address, Interrupts::kNeeded);
    case DeviceWay::kSysfs:
      return Open<SysfsPciDevice>(paths, choice.address, Interrupts::kNotNeeded);
    case DeviceWay::kDevmem:
      return Open<DevmemPciDevice>(paths, choice.address, Interrupts::kNotNeeded);
  }
  return absl::InternalError("there is no such way to a device");
}

}  // namespace tombolo::control
