// Side: on which side of the virtual machines this program runs.
#pragma once

#include "control/doctor/machine.h"

namespace tombolo::control {

enum class Side { kHost, kGuest };

const char* Word(Side side);  // host, guest

// A guest is what has an ivshmem device, or is a virtual machine of QEMU's in which no daemon
// serves. All else is a host.
Side FindSide(const Machine& machine);

}  // namespace tombolo::control
