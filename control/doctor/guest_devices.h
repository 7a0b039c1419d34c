// The shared memory devices of this guest, as /sys tells of them, and who holds one without a
// driver. Reads only.
#pragma once

#include <string>
#include <vector>

#include "control/doctor/machine.h"

namespace tombolo::control {

// The PCI addresses of all ivshmem devices (1af4:1110), in order.
std::vector<std::string> IvshmemDevices(const Machine& machine);

// Of those the ones that an agent could have: that can interrupt, or could not be asked. All, if
// that leaves none.
std::vector<std::string> UsableDevices(const Machine& machine);

// The PCI addresses of all devices of ivshmem v2 (110a:4106), which are no ivshmem-doorbell.
std::vector<std::string> IvshmemV2Devices(const Machine& machine);

// The driver's name; empty when there is none.
std::string DriverOf(const Machine& machine, const std::string& address);

// Empty when it is in none.
std::string IommuGroupOf(const Machine& machine, const std::string& address);

// How a process holds a device that has no driver.
enum class Bare { kNobody, kSysfs, kDevMem };

// Sees the processes of others only as root. Who has the file of the device's memory open is its
// agent, the agent's holder, or an endpoint of it; through /dev/mem, if that is open too.
Bare BareHolder(const Machine& machine, const std::string& address);

}  // namespace tombolo::control
