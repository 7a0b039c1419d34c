// What a guest needs to open its ivshmem device: the device itself, an IOMMU, and vfio-pci. Of
// several devices each is looked at. They read /sys and /proc, and change nothing.
#pragma once

#include "control/doctor/finding.h"
#include "control/doctor/machine.h"

namespace tombolo::control {

Finding CheckDevice(const Machine& machine);

// That the device is in an IOMMU group, alone, and that interrupts are remapped.
Finding CheckIommu(const Machine& machine);

// Who has the device and how, and whether vfio is there for the agent.
Finding CheckDriver(const Machine& machine);

}  // namespace tombolo::control
