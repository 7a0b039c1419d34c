// A region as a word of the command line or the configuration:
//
//   NAME[:size=1G][:slots=N][:vectors=N][:endpoints=N][:group=GROUP][:huge-pages]
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "control/proto/region_values.h"

namespace tombolo::control {

// InvalidArgument says what may stand there, also for a name or limits that cannot be.
absl::StatusOr<WantedRegion> ParseRegionWord(const std::string& text);

}  // namespace tombolo::control
