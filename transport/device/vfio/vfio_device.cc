#include "transport/device/vfio/vfio_device.h"

#include <utility>

namespace tombolo {

absl::StatusOr<std::unique_ptr<VfioDevice>> VfioDevice::Map(int device_fd,
                                                            const VfioWindows& windows) {
  absl::StatusOr<Mapping> memory =
      Mapping::Map(device_fd, windows.memory_offset, windows.memory_bytes);
  if (!memory.ok()) return memory.status();
  absl::StatusOr<RegisterPage> registers = RegisterPage::Map(device_fd, windows.registers_offset);
  if (!registers.ok()) return registers.status();
  return std::unique_ptr<VfioDevice>(new VfioDevice(*std::move(memory), *std::move(registers)));
}

VfioDevice::VfioDevice(Mapping memory, RegisterPage registers)
    : memory_(std::move(memory)), registers_(std::move(registers)) {}

MemoryType VfioDevice::Type() const {
#if defined(__aarch64__)
  return MemoryType::kDevice;
#else
  return MemoryType::kUncached;
#endif
}

}  // namespace tombolo
