// What `tombolo regions` prints: docs/cli.md has the schema of the JSON. Each with the end of the
// line.
#pragma once

#include <string>
#include <vector>

#include "control/proto/region_values.h"

namespace tombolo::control {

// A row for each.
std::string RegionsTable(const std::vector<ServedRegion>& regions, bool decorate);
std::string RegionsJson(const std::vector<ServedRegion>& regions);

// All of one.
std::string RegionText(const ServedRegion& region, bool decorate);
std::string RegionJson(const ServedRegion& region);

}  // namespace tombolo::control
