// The checks of each side, in the order in which one depends on the other.
#pragma once

#include <vector>

#include "control/doctor/check.h"
#include "control/doctor/machine.h"
#include "control/doctor/side.h"

namespace tombolo::control {

// They refer to `machine`, which must outlive them.
std::vector<Check> ChecksOf(const Machine& machine, Side side);

}  // namespace tombolo::control
