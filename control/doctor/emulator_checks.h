// What a host needs to run virtual machines.
#pragma once

#include "control/doctor/finding.h"
#include "control/doctor/machine.h"

namespace tombolo::control {

Finding CheckKvm(const Machine& machine);

// Which QEMU there is in PATH, and whether it has the device.
Finding CheckQemu(const Machine& machine);

// Whether there is a QEMU for firmware behind tombolo-flat, and one for tombolo-ivshmem2. Few need
// either, so all is well without.
Finding CheckFlat(const Machine& machine);
Finding CheckV2(const Machine& machine);

}  // namespace tombolo::control
