// V2GuestDevice: an ivshmem v2 device of this guest as its one user has opened it: through vfio, or
// through the kernel module (guest/module) where there is no IOMMU. Each of its interrupt vectors
// signals an eventfd.
//
// Thread safety: as V2Device.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"
#include "transport/device/v2/v2_device.h"
#include "transport/device/v2/v2_sections.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo {

inline constexpr uint32_t kV2MostVectors = 16;  // More are of no use to anybody here.

class V2GuestDevice : public V2Device {
 public:
  // `wanted` as in v2_finder.h. Takes the kernel module if it has the device, else vfio. Errors are
  // those of v2_finder.h, v2_module_device.h and v2_pci_device.h.
  static absl::StatusOr<std::unique_ptr<V2GuestDevice>> Open(const SystemPaths& paths,
                                                             std::string_view wanted);

  // "vfio" or "module".
  virtual std::string_view Way() const = 0;

  const V2Sections& Sections() const final { return sections_; }
  uint32_t VectorCount() const { return static_cast<uint32_t>(eventfds_.size()); }
  // Stays this object's.
  int Eventfd(uint32_t vector) const { return eventfds_[vector].Get(); }

 protected:
  V2GuestDevice(const V2Sections& sections, std::vector<UniqueFd> eventfds)
      : sections_(sections), eventfds_(std::move(eventfds)) {}

 private:
  const V2Sections sections_;
  const std::vector<UniqueFd> eventfds_;
};

}  // namespace tombolo
