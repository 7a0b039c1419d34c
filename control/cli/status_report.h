// What `tombolo status` knows of a region: read in the region itself, which works without a daemon,
// or asked of the daemon where the region cannot be read, as in a guest whose agent has the device.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/cli/daemon_status.h"
#include "control/cli/stat_text.h"
#include "control/client/control_client.h"
#include "control/registry/membership.h"
#include "control/registry/region_info.h"
#include "transport/region/region.h"

namespace tombolo::control {

// Bytes of the region's extents, by class; they add up to `all`.
struct MemoryStatus {
  uint64_t all = 0;
  uint64_t free = 0;
  uint64_t owned = 0;
  uint64_t quarantine = 0;
  uint64_t services = 0;
  uint64_t lost = 0;
  uint64_t changing = 0;
};

struct PeerStatus {
  uint32_t slot = 0;
  PeerKind kind = PeerKind::kVm;
  PeerState state = PeerState::kConnected;
  uint32_t incarnation = 0;
  int64_t joined_unix_ns = 0;
  std::vector<std::string> endpoints;  // The names of its living ones.
};

// A region of the same daemon which its predecessor has served and it cannot.
struct UnservedRegion {
  std::string name;
  std::string problem;
};

struct StatusReport {
  std::string where;  // Where the region was read; empty: it was asked for.
  RegionInfo region;
  DaemonStatus daemon;
  std::vector<UnservedRegion> unserved;  // Empty also when the daemon does not tell.
  std::vector<PeerStatus> peers;         // Occupied slots, in order.
  // Only where the region was read.
  std::optional<MemoryStatus> memory;
  std::vector<EndpointStat> busiest;  // At most kBusiest, who has most messages first.
};

inline constexpr size_t kBusiest = 5;

// `daemon` and `unserved` are left as they are by default.
StatusReport ReadStatus(const Region& region, std::string where);
StatusReport StatusFrom(const RegionInfo& region, const PeerList& list);

}  // namespace tombolo::control
