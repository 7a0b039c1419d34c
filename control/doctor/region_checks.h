// What the region is like to work with: how its memory is mapped, and how fast a peer is woken.
#pragma once

#include "control/doctor/finding.h"
#include "control/doctor/machine.h"

namespace tombolo::control {

// Reads the region, also without a daemon when any process still holds it (region_source.h); in a
// guest whose agent has the device, as an endpoint.
Finding CheckMapping(const Machine& machine);

// The round trip to an agent that sleeps: of another peer, or else of this one.
Finding CheckDoorbell(const Machine& machine);

}  // namespace tombolo::control
