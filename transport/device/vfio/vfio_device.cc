#include "transport/device/vfio/vfio_device.h"

#include <unistd.h>

#include <utility>

#include "transport/device/ivshmem_registers.h"

namespace tombolo {
namespace {

// Orders earlier stores to ordinary memory before a store to a register. Not an atomic fence: those
// order ordinary memory only. x86 keeps stores in order; the compiler must too.
void OrderBeforeRegisterStore() {
#if defined(__aarch64__)
  asm volatile("dsb st" ::: "memory");
#else
  asm volatile("" ::: "memory");
#endif
}

}  // namespace

absl::StatusOr<std::unique_ptr<VfioDevice>> VfioDevice::Map(int device_fd,
                                                            const VfioWindows& windows) {
  absl::StatusOr<Mapping> memory =
      Mapping::Map(device_fd, windows.memory_offset, windows.memory_bytes);
  if (!memory.ok()) return memory.status();
  // BAR0 is smaller than a page and lies alone in one.
  absl::StatusOr<Mapping> registers = Mapping::Map(device_fd, windows.registers_offset,
                                                   static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
  if (!registers.ok()) return registers.status();
  return std::unique_ptr<VfioDevice>(new VfioDevice(*std::move(memory), *std::move(registers)));
}

VfioDevice::VfioDevice(Mapping memory, Mapping registers)
    : memory_(std::move(memory)), registers_(std::move(registers)) {}

MemoryType VfioDevice::Type() const {
#if defined(__aarch64__)
  return MemoryType::kDevice;
#else
  return MemoryType::kUncached;
#endif
}

void VfioDevice::Ring(uint16_t slot, uint16_t vector) {
  if (vector > kMaxDoorbellVector) return;
  OrderBeforeRegisterStore();
  *Register(kDoorbellRegister) = DoorbellValue(slot, vector);
}

uint16_t VfioDevice::Slot() const { return static_cast<uint16_t>(*Register(kIvPositionRegister)); }

volatile uint32_t* VfioDevice::Register(uint64_t offset) const {
  // SAFETY: the mapping is a page, its base is aligned, and both registers lie within it.
  return reinterpret_cast<volatile uint32_t*>(registers_.Bytes().data() + offset);
}

}  // namespace tombolo
