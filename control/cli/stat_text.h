// What `tombolo stat` reads from a region and how it tells it. docs/cli.md has the schema of
// --json. Counters: control/counters/endpoint_counters.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/counters/endpoint_counters.h"
#include "transport/endpoint/membership_view.h"
#include "transport/region/region.h"

namespace tombolo::control {

struct EndpointStat {
  tombolo::EndpointInfo info;
  CounterValues counters{};
};

struct RegionStat {
  std::string region_uuid;
  uint64_t membership_epoch = 0;
  std::vector<EndpointStat> endpoints;  // Living ones.
};

RegionStat ReadStat(const Region& region);

// The counters that tell of trouble, if they are not 0: "storms 2, bad_loans 1"; else "-".
std::string Remarks(const EndpointStat& stat);

// What `now` has more than `before`; endpoints that are new keep their totals.
RegionStat Since(const RegionStat& before, RegionStat now);

// Without the end of the line.
std::string StatJson(const RegionStat& stat);

// One line per endpoint.
std::string StatTable(const RegionStat& stat, bool decorate);

}  // namespace tombolo::control
