// RegionSpec: what a further region of this daemon is to be, and how that is written down for a
// successor.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/proto/region_values.h"
#include "transport/region/geometry.h"

namespace tombolo::control {

struct RegionSpec {
  RegionLimits limits;
  bool huge_pages = false;
  std::string group;  // Of folder and sockets; empty: the daemon's own.
};

// A name is a folder, a part of descriptors' names and a word of commands. InvalidArgument says
// what it may be.
absl::Status CheckRegionName(std::string_view name);

// `wanted`, and what is 0 there as in `otherwise`. InvalidArgument as ComputeGeometry.
absl::StatusOr<RegionLimits> CompleteLimits(const WantedLimits& wanted,
                                            const RegionLimits& otherwise);

bool AreSame(const RegionLimits& a, const RegionLimits& b);

// At most kMostSpecBytes.
inline constexpr size_t kMostSpecBytes = 256;
std::vector<std::byte> ToBytes(const RegionSpec& spec);

// FailedPrecondition: this is none that ToBytes() has written.
absl::StatusOr<RegionSpec> ParseRegionSpec(std::span<const std::byte> bytes);

}  // namespace tombolo::control
