// What `tombolo stat` reads from a region and how it tells it. docs/cli.md has the schema of
// --json.
//
// Counters are named as in docs/layout.md. They belong to the index: who was given a used one goes
// on counting from what his predecessor left.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "transport/endpoint/membership_view.h"
#include "transport/region/region.h"

namespace tombolo::control {

inline constexpr size_t kCounters = 19;

struct EndpointStat {
  tombolo::EndpointInfo info;
  std::array<uint64_t, kCounters> counters{};
};

struct RegionStat {
  std::string region_uuid;
  uint64_t membership_epoch = 0;
  std::vector<EndpointStat> endpoints;  // Living ones.
};

RegionStat ReadStat(const Region& region);

// The counter of that name, which there must be.
uint64_t CounterOf(const EndpointStat& stat, std::string_view name);

// The counters that tell of trouble, if they are not 0: "storms 2, bad_loans 1"; else "-".
std::string Remarks(const EndpointStat& stat);

// What `now` has more than `before`; endpoints that are new keep their totals.
RegionStat Since(const RegionStat& before, RegionStat now);

// Without the end of the line.
std::string StatJson(const RegionStat& stat);

// One line per endpoint.
std::string StatTable(const RegionStat& stat, bool decorate);

}  // namespace tombolo::control
