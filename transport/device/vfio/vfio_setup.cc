#include "transport/device/vfio/vfio_setup.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"
#include "transport/device/vfio/driver_binding.h"

namespace tombolo {
namespace {

// PCI Local Bus Specification 3.0, 6.2.2.
constexpr uint64_t kCommandRegister = 4;
constexpr uint16_t kCommandMemory = 1 << 1;
constexpr uint16_t kCommandBusMaster = 1 << 2;

absl::Status BecomeBusMaster(int device) {
  const auto config = VfioRegion(device, VFIO_PCI_CONFIG_REGION_INDEX);
  if (!config.ok()) return config.status();
  const off_t at = static_cast<off_t>(config->offset + kCommandRegister);
  uint16_t command = 0;
  if (pread(device, &command, sizeof(command), at) != sizeof(command)) {
    return ErrnoStatus(errno, "read the PCI command register");
  }
  command |= kCommandMemory | kCommandBusMaster;
  if (pwrite(device, &command, sizeof(command), at) != sizeof(command)) {
    return ErrnoStatus(errno, "write the PCI command register");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<vfio_region_info> VfioRegion(int device, uint32_t index) {
  vfio_region_info info{};
  info.argsz = sizeof(info);
  info.index = index;
  if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the descriptor of the device does not know PCI region ", index, ": ",
                     strerror(errno), ". It is no vfio device, or the device was unplugged."));
  }
  return info;
}

absl::StatusOr<VfioDescriptors> OpenVfioPci(const SystemPaths& paths, const std::string& address) {
  if (auto status = BindToVfio(paths, address); !status.ok()) return status;
  const absl::StatusOr<std::string> group = IommuGroup(paths, address);
  if (!group.ok()) return group.status();
  absl::StatusOr<VfioDescriptors> vfio = OpenVfio(paths, *group, address);
  if (!vfio.ok()) return vfio.status();
  if (auto status = BecomeBusMaster(vfio->device.Get()); !status.ok()) return status;
  return vfio;
}

absl::StatusOr<uint32_t> CountVfioVectors(int device) {
  vfio_irq_info info{};
  info.argsz = sizeof(info);
  info.index = VFIO_PCI_MSIX_IRQ_INDEX;
  if (ioctl(device, VFIO_DEVICE_GET_IRQ_INFO, &info) != 0) {
    return ErrnoStatus(errno, "ask for the number of MSI-X vectors");
  }
  return (info.flags & VFIO_IRQ_INFO_EVENTFD) != 0 ? info.count : 0;
}

absl::StatusOr<std::vector<UniqueFd>> SignalEventfds(int device, uint32_t count) {
  std::vector<UniqueFd> eventfds;
  std::vector<int32_t> raw;
  for (uint32_t i = 0; i < count; ++i) {
    eventfds.emplace_back(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!eventfds.back().IsOpen()) return ErrnoStatus(errno, "make an eventfd");
    raw.push_back(eventfds.back().Get());
  }
  std::vector<std::byte> request(sizeof(vfio_irq_set) + raw.size() * sizeof(int32_t));
  const vfio_irq_set head{.argsz = static_cast<uint32_t>(request.size()),
                          .flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
                          .index = VFIO_PCI_MSIX_IRQ_INDEX,
                          .start = 0,
                          .count = count};
  memcpy(request.data(), &head, sizeof(head));
  memcpy(request.data() + sizeof(head), raw.data(), raw.size() * sizeof(int32_t));
  if (ioctl(device, VFIO_DEVICE_SET_IRQS, request.data()) != 0) {
    return ErrnoStatus(errno, absl::StrCat("route ", count, " MSI-X vectors to eventfds"));
  }
  return eventfds;
}

}  // namespace tombolo
