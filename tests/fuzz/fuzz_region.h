// FuzzRegion: a small region in ordinary memory, so that AddressSanitizer sees what is read or
// written beyond its end, with a member table that the target writes. One per process, made anew
// for each input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "transport/base/units.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/layout/member_table.h"
#include "transport/region/geometry.h"
#include "transport/region/region.h"

namespace tombolo::fuzz {

inline constexpr RegionLimits kFuzzLimits{
    .region_bytes = kMiB, .slot_count = 2, .vector_count = 4, .endpoint_count = 64};

class FuzzRegion {
 public:
  // Zeroes and formats the memory.
  FuzzRegion();

  const Region& View() const { return *region_; }
  std::span<std::byte> Memory() const;

  // Writes `id` into the member table, as living or dead, and moves the epoch.
  void SetState(EndpointId id, EndpointState state);

  // An endpoint with that identity, whose doorbell never rings.
  std::unique_ptr<Endpoint> Attach(EndpointId id) const;

 private:
  std::optional<Region> region_;
};

}  // namespace tombolo::fuzz
