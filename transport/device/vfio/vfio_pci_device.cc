#include "transport/device/vfio/vfio_pci_device.h"

#include <linux/vfio.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "transport/device/ivshmem_registers.h"
#include "transport/device/vfio/pci_finder.h"
#include "transport/device/vfio/vfio_setup.h"

namespace tombolo {
namespace {

constexpr uint32_t kMostVectors = kMaxDoorbellVector + 1;

absl::StatusOr<VfioWindows> FindWindows(int device) {
  const auto registers = VfioRegion(device, VFIO_PCI_BAR0_REGION_INDEX);
  if (!registers.ok()) return registers.status();
  const auto memory = VfioRegion(device, VFIO_PCI_BAR2_REGION_INDEX);
  if (!memory.ok()) return memory.status();
  if (auto status = CheckMemoryBytes(memory->size); !status.ok()) return status;
  const uint32_t both_flags = registers->flags & memory->flags;
  if (registers->size != kRegisterBytes || !(both_flags & VFIO_REGION_INFO_FLAG_MMAP)) {
    return absl::FailedPreconditionError(
        absl::StrCat("the device's registers (BAR0) have ", registers->size, " bytes, expected ",
                     kRegisterBytes, ", and both BAR0 and BAR2 must be mappable (flags ",
                     registers->flags, " and ", memory->flags, "). Is it QEMU's ivshmem?"));
  }
  return VfioWindows{.memory_offset = memory->offset,
                     .memory_bytes = memory->size,
                     .registers_offset = registers->offset};
}

absl::StatusOr<uint32_t> CountVectors(int device) {
  const absl::StatusOr<uint32_t> count = CountVfioVectors(device);
  if (!count.ok() || *count > 0) return count;
  return absl::FailedPreconditionError(
      "the device has no MSI-X vectors, so it is an ivshmem-plain and cannot be woken. Give this "
      "virtual machine an ivshmem-doorbell: `tombolo vm-args` on the host prints the options.");
}

}  // namespace

absl::StatusOr<std::unique_ptr<VfioPciDevice>> VfioPciDevice::Open(const SystemPaths& paths,
                                                                   std::string_view wanted) {
  const absl::StatusOr<std::string> address = FindIvshmemPci(paths, wanted);
  if (!address.ok()) return address.status();
  absl::StatusOr<VfioDescriptors> vfio = OpenVfioPci(paths, *address);
  if (!vfio.ok()) return vfio.status();
  const int device = vfio->device.Get();
  const absl::StatusOr<uint32_t> count = CountVectors(device);
  if (!count.ok()) return count.status();
  absl::StatusOr<std::vector<UniqueFd>> eventfds =
      SignalEventfds(device, std::min(*count, kMostVectors));
  if (!eventfds.ok()) return eventfds.status();
  return Adopt({*std::move(vfio), *std::move(eventfds)});
}

absl::StatusOr<std::unique_ptr<VfioPciDevice>> VfioPciDevice::Adopt(
    VfioPciDescriptors descriptors) {
  const int device_fd = descriptors.vfio.device.Get();
  const absl::StatusOr<VfioWindows> windows = FindWindows(device_fd);
  if (!windows.ok()) return windows.status();
  absl::StatusOr<std::unique_ptr<VfioDevice>> device = VfioDevice::Map(device_fd, *windows);
  if (!device.ok()) return device.status();
  return std::unique_ptr<VfioPciDevice>(
      new VfioPciDevice(std::move(descriptors), *windows, *std::move(device)));
}

VfioPciDevice::VfioPciDevice(VfioPciDescriptors descriptors, const VfioWindows& windows,
                             std::unique_ptr<VfioDevice> device)
    : descriptors_(std::move(descriptors)), windows_(windows), device_(std::move(device)) {}

}  // namespace tombolo
