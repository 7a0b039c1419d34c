// What a guest needs to open its ivshmem device: the device itself, an IOMMU, and vfio-pci. They
// read /sys and change nothing.
#pragma once

#include <string>
#include <vector>

#include "control/doctor/finding.h"
#include "control/doctor/machine.h"

namespace tombolo::control {

// The PCI addresses of all ivshmem devices (1af4:1110), in order.
std::vector<std::string> IvshmemDevices(const Machine& machine);

Finding CheckDevice(const Machine& machine);

// That the device is in an IOMMU group, alone, and that interrupts are remapped.
Finding CheckIommu(const Machine& machine);

// Who has the device, and whether vfio is there for the agent.
Finding CheckDriver(const Machine& machine);

}  // namespace tombolo::control
