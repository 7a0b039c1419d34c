// HostRegion: the daemon's own region: a sealed memfd, allocated in full, mapped and formatted.
//
// Ownership: memory and mapping live as long as this; machines and processes that have the memfd
// keep the memory alive beyond it. Thread safety: as Region.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"
#include "transport/device/mapping.h"
#include "transport/region/geometry.h"
#include "transport/region/region.h"

namespace tombolo::control {

class HostRegion {
 public:
  // InvalidArgument as ComputeGeometry says; ResourceExhausted when there is not enough memory.
  // Without huge pages enough it says so and takes normal ones.
  static absl::StatusOr<HostRegion> Create(const RegionLimits& limits,
                                           PageSize page_size = PageSize::kNormal);

  // The memory of a former daemon, in use: its header is written anew, since any member of the
  // region may have written there. FailedPrecondition when it is no sealed file of that size.
  static absl::StatusOr<HostRegion> Adopt(UniqueFd memory_fd, const RegionLimits& limits,
                                          const RegionUuid& uuid);

  const Region& View() const { return region_; }
  int MemoryFd() const { return memory_fd_.Get(); }

  // In text, as in "1b4e28ba-2fa1-41d2-883f-0016d3cca427".
  std::string UuidText() const;

 private:
  HostRegion(UniqueFd memory_fd, Mapping mapping, const Region& region)
      : memory_fd_(std::move(memory_fd)), mapping_(std::move(mapping)), region_(region) {}

  UniqueFd memory_fd_;
  Mapping mapping_;
  Region region_;
};

}  // namespace tombolo::control
