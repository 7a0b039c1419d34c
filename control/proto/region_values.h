// What regions.proto tells, in plain values, for those who know no protobuf. regions.proto says
// what each means.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/proto/admin_values.h"
#include "control/registry/region_info.h"

namespace tombolo::control {

inline constexpr char kFirstRegionName[] = "default";

// 0: as by default, or as it is.
struct WantedLimits {
  uint64_t size_bytes = 0;
  uint32_t slots = 0;
  uint32_t vectors = 0;
  uint32_t endpoints = 0;

  friend bool operator==(const WantedLimits&, const WantedLimits&) = default;
};

struct WantedRegion {
  std::string name;
  WantedLimits limits;
  bool huge_pages = false;
  std::string group;  // Empty: the daemon's own.

  friend bool operator==(const WantedRegion&, const WantedRegion&) = default;
};

struct RegionCheck {
  uint64_t extents = 0;
  uint64_t free_extents = 0;
  uint64_t violations = 0;

  friend bool operator==(const RegionCheck&, const RegionCheck&) = default;
};

struct ServedRegion {
  std::string name;
  RegionInfo info;
  std::string group;
  std::string folder;
  std::vector<std::string> sockets;
  std::string memory_path;
  Remaining present;
  uint32_t joining = 0;
  uint32_t dead_endpoints = 0;
  uint32_t services = 0;
  bool draining = false;
  std::optional<RegionCheck> check;
  std::string problem = {};  // Why it is not served; empty: it is.

  friend bool operator==(const ServedRegion&, const ServedRegion&) = default;
};

}  // namespace tombolo::control
