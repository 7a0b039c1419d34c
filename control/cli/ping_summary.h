// What `tombolo ping` says in the end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tombolo::control {

// As in "162.3 us".
std::string Microseconds(int64_t ns);

// How many of `asked` were answered, and the least, median and greatest round trip.
std::string PingSummary(uint32_t asked, std::vector<int64_t> round_trips_ns);

// The same and all round trips, as one JSON object (docs/cli.md), without the end of the line.
std::string PingJson(uint32_t slot, uint32_t asked, const std::vector<int64_t>& round_trips_ns);

}  // namespace tombolo::control
