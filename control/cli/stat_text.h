// What `tombolo stat` reads from a region and how it tells it.
//
// --json prints one object:
//   {"schema": 1, "region_uuid": "...", "membership_epoch": 12, "endpoints": [ENDPOINT...]}
//   ENDPOINT  {"slot": 1, "index": 3, "incarnation": 1, "pid": 311, "name": "rank",
//              "counters": {"messages_sent": 1000, ...}}
// Counters: control/counters/endpoint_counters.h.
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

// What `now` has more than `before`; endpoints that are new keep their totals.
RegionStat Since(const RegionStat& before, RegionStat now);

// Without the end of the line.
std::string StatJson(const RegionStat& stat);

// One line per endpoint.
std::string StatTable(const RegionStat& stat, bool decorate);

}  // namespace tombolo::control
