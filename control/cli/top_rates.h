// What `tombolo top` shows: what each endpoint did in the time between two looks at the counters of
// the region. docs/cli.md has the schema of --json.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "control/cli/stat_text.h"
#include "control/counters/endpoint_counters.h"
#include "transport/endpoint/membership_view.h"

namespace tombolo::control {

enum class TopOrder { kTraffic, kSlot, kName };

struct EndpointRates {
  tombolo::EndpointInfo info;
  std::array<double, kCounters> per_second{};
  std::string remarks;  // Counters of trouble: totals.
};

struct RegionRates {
  std::string region_uuid;
  uint64_t membership_epoch = 0;
  double seconds = 0;  // Between the looks.
  std::vector<EndpointRates> endpoints;
};

// `now` was read `seconds` after `before`. Counters belong to the index of an endpoint; where
// nobody was before, and where a counter went back, there is no rate yet, and it is 0.
RegionRates RatesBetween(const RegionStat& before, const RegionStat& now, double seconds);

// kTraffic: who moves most bytes first, in either direction.
void Sort(RegionRates& rates, TopOrder order);

// Columns of text: the first line is the heading.
std::vector<std::string> TopLines(const RegionRates& rates);

// Without the end of the line.
std::string TopJson(const RegionRates& rates);

}  // namespace tombolo::control
