#include "transport/device/sysfs/sysfs_device.h"

#include <utility>

namespace tombolo {

absl::StatusOr<std::unique_ptr<SysfsDevice>> SysfsDevice::Map(const Files& files,
                                                              uint64_t memory_bytes,
                                                              uint64_t registers_offset) {
  absl::StatusOr<Mapping> memory = Mapping::Map(files.memory, 0, memory_bytes);
  if (!memory.ok()) return memory.status();
  absl::StatusOr<RegisterPage> registers = RegisterPage::Map(files.registers, registers_offset);
  if (!registers.ok()) return registers.status();
  return std::unique_ptr<SysfsDevice>(new SysfsDevice(*std::move(memory), *std::move(registers)));
}

SysfsDevice::SysfsDevice(Mapping memory, RegisterPage registers)
    : memory_(std::move(memory)), registers_(std::move(registers)) {}

}  // namespace tombolo
