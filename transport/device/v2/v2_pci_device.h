// V2PciDevice: an ivshmem v2 device of this guest, opened through vfio: its registers and memory,
// mapped, and one eventfd per interrupt vector. A vfio group has one opener at a time.
//
// Which parts of the memory are as fast as memory is up to who serves the device: what QEMU does
// not map costs a trap for each access (docs/devices.md). A store where the peer may not write is
// lost.
//
// What it assumes of the host: the sizes of the sections may be anything, and are checked. Thread
// safety: as V2Device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"
#include "transport/device/mapping.h"
#include "transport/device/v2/v2_guest_device.h"
#include "transport/device/v2/v2_sections.h"
#include "transport/device/vfio/system_paths.h"
#include "transport/device/vfio/vfio_group.h"

namespace tombolo {

class V2PciDevice final : public V2GuestDevice {
 public:
  // Finds (`wanted` as in v2_finder.h), binds and opens the device, and makes it bus master. Errors
  // are those of v2_finder.h, v2_sections.h, and of transport/device/vfio.
  static absl::StatusOr<std::unique_ptr<V2PciDevice>> Open(const SystemPaths& paths,
                                                           std::string_view wanted);

  std::string_view Way() const override { return "vfio"; }
  std::span<std::byte> Memory() override { return memory_.Bytes(); }
  uint32_t ReadRegister(uint64_t offset) override;
  void WriteRegister(uint64_t offset, uint32_t value) override;

 private:
  V2PciDevice(const V2Sections& sections, std::vector<UniqueFd> eventfds, VfioDescriptors vfio,
              Mapping registers, Mapping memory);

  const VfioDescriptors vfio_;
  const Mapping registers_;
  const Mapping memory_;
};

}  // namespace tombolo
