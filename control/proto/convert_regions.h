// Between the messages of regions.proto and the values of region_values.h. As in convert.h: for
// what the daemon tells, To* is what it sends and From* what a client received; for what it is
// asked, the other way round.
#pragma once

#include "control/proto/region_values.h"
#include "control/proto/regions.pb.h"

namespace tombolo::control {

v1::ServedRegion ToServedRegion(const ServedRegion& region);
ServedRegion FromServedRegion(const v1::ServedRegion& message);

v1::RegionLimits ToLimits(const WantedLimits& limits);
WantedLimits FromLimits(const v1::RegionLimits& message);

v1::CreateRegionRequest ToCreateRequest(const WantedRegion& region);
WantedRegion FromCreateRequest(const v1::CreateRegionRequest& message);

}  // namespace tombolo::control
