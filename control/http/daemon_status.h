// DaemonStatus: one look at the daemon and its region, in plain values, from which every page is
// made. Names in it come from guests; they were checked where they entered the registry.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "control/http/heartbeat.h"
#include "control/http/ledger.h"
#include "control/http/process_stats.h"
#include "control/http/region_board.h"
#include "control/registry/membership.h"
#include "control/registry/region_info.h"

namespace tombolo::control {

struct DaemonStatus {
  int64_t now_unix_ns = 0;
  int64_t started_unix_ns = 0;
  int64_t now_ns = 0;                  // Of the monotonic clock, as in `beat`.
  std::optional<Beat> beat;            // Nothing: the daemon is starting.
  RegionInfo region;                   // The first one; so are membership and totals.
  std::vector<RegionSummary> regions;  // Further ones, by name.
  MembershipSnapshot membership;
  Totals totals;
  ProcessStats process;
};

enum class Health {
  kStarting,  // Nothing is served yet.
  kGood,
  kStuck,  // The event loop has not turned for Heartbeat::kStuckNs.
};

inline Health HealthOf(const std::optional<Beat>& beat, int64_t now_ns) {
  if (!beat) return Health::kStarting;
  return now_ns - beat->at_ns > Heartbeat::kStuckNs ? Health::kStuck : Health::kGood;
}

}  // namespace tombolo::control
