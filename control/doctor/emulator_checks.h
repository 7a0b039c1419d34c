// What a host needs to run virtual machines.
#pragma once

#include "control/doctor/finding.h"
#include "control/doctor/machine.h"

namespace tombolo::control {

Finding CheckKvm(const Machine& machine);

// Which QEMU there is in PATH, and whether it has the device.
Finding CheckQemu(const Machine& machine);

}  // namespace tombolo::control
