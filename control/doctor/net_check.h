// What IP over the region needs and has here (docs/net.md).
#pragma once

#include "control/doctor/finding.h"
#include "control/doctor/machine.h"

namespace tombolo::control {

// Looks for the interfaces of `tombolo net up`, by their usual names, and for what it makes them
// of. A machine that is in no network is well.
Finding CheckNet(const Machine& machine);

}  // namespace tombolo::control
