// RegisterPage: the registers of an ivshmem device (ivshmem_registers.h), mapped from a file that
// shows its BAR0: vfio's, or resource0 of sysfs.
//
// It owns the mapping, not the file, which may be closed after Map(). Thread safety: all functions.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "transport/device/mapping.h"

namespace tombolo {

class RegisterPage {
 public:
  // `offset_bytes`: where BAR0 begins in `fd`. It is smaller than a page and lies within one, not
  // always at its start: sysfs shows the whole page around it.
  static absl::StatusOr<RegisterPage> Map(int fd, uint64_t offset_bytes);

  // Rings the doorbell (slot, vector); vectors above kMaxDoorbellVector do not exist.
  // Memory ordering: whoever is woken sees what this thread stored before.
  void Ring(uint16_t slot, uint16_t vector) const;

  // Which slot this device has.
  uint16_t Slot() const;

 private:
  RegisterPage(Mapping page, uint64_t offset_bytes);
  volatile uint32_t* Register(uint64_t offset) const;

  Mapping page_;
  uint64_t offset_bytes_;  // Of BAR0 within the page.
};

}  // namespace tombolo
