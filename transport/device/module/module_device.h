// ModuleDevice: the region as a process in a guest sees it through the kernel module
// (guest/module): mapped as cached memory, and doorbells by a system call that checks them.
//
// It owns the descriptor, which rings. Thread safety: Ring() from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"
#include "transport/device/device.h"
#include "transport/device/mapping.h"

namespace tombolo {

// Why TOMBOLO_GET_INFO failed. NotFound: the device was unplugged.
absl::Status NoInfo(int error);

class ModuleDevice final : public Device {
 public:
  // `file`: an open /dev/tomboloN. FailedPrecondition: its window is smaller than `memory_bytes`.
  // NotFound: the device was unplugged.
  static absl::StatusOr<std::unique_ptr<ModuleDevice>> Map(UniqueFd file, uint64_t memory_bytes);

  std::span<std::byte> Memory() override { return memory_.Bytes(); }
  MemoryType Type() const override { return MemoryType::kWriteBack; }

  // Memory ordering: whoever is woken sees what this thread stored before it rang.
  void Ring(uint16_t slot, uint16_t vector) override;

 private:
  ModuleDevice(UniqueFd file, Mapping memory);

  const UniqueFd file_;
  const Mapping memory_;
};

}  // namespace tombolo
