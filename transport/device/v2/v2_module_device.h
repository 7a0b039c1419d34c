// V2ModuleDevice: an ivshmem v2 device of this guest, opened through the kernel module
// (guest/module): registers by system calls that check, and the sections mapped as this peer may
// use them: the state table and the others' output sections to be read only, where a store is a
// SIGSEGV.
//
// The module has a device opened by many, and lets one file at a time have a state; that there is
// one V2ModuleDevice is kept by a lock on its file. However this process ends, the peer is then in
// state RESET. The module keeps interrupts enabled: writes to that register do nothing.
//
// What it assumes of the host: the sizes of the sections may be anything, and are checked. Thread
// safety: as V2Device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"
#include "transport/device/v2/v2_guest_device.h"
#include "transport/device/v2/v2_sections.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo {

class V2ModuleDevice final : public V2GuestDevice {
 public:
  // `address`: of the device, as lspci -D prints it. FailedPrecondition: it is not bound to the
  // module, that is of another release, or who serves the device has ended. PermissionDenied: no
  // access to its file. Unavailable: another process has it. InvalidArgument: sections that make no
  // sense.
  static absl::StatusOr<std::unique_ptr<V2ModuleDevice>> Open(const SystemPaths& paths,
                                                              const std::string& address);
  ~V2ModuleDevice() override;

  std::string_view Way() const override { return "module"; }
  std::span<std::byte> Memory() override { return memory_; }
  uint32_t ReadRegister(uint64_t offset) override;
  void WriteRegister(uint64_t offset, uint32_t value) override;

 private:
  V2ModuleDevice(const V2Sections& sections, std::vector<UniqueFd> eventfds, UniqueFd file,
                 std::span<std::byte> memory);
  uint32_t StateOf(uint32_t peer) const;

  const UniqueFd file_;
  const std::span<std::byte> memory_;
};

}  // namespace tombolo
