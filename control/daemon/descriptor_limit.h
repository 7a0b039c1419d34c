// How many descriptors the daemon may have: a region needs one for each (slot, vector).
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "transport/region/geometry.h"

namespace tombolo::control {

// Descriptors that a daemon with these limits has open when all slots are taken, without those of
// attached processes.
uint64_t NeededDescriptors(const RegionLimits& limits);

// Raises this process's soft limit to the hard one. ResourceExhausted, with what to raise, when
// even that is below `needed`.
absl::Status RaiseDescriptorLimit(uint64_t needed);

}  // namespace tombolo::control
