// AgentDevice: what a guest's agent needs of the device that it owns, whatever kind it is: tests
// give a simulated one.
#pragma once

#include <cstdint>
#include <vector>

#include "control/broker/broker_backend.h"
#include "transport/device/device.h"

namespace tombolo::control {

struct AgentDevice {
  Device* device = nullptr;
  uint16_t slot = 0;
  std::vector<int> eventfds;  // Of the own vectors.
  // False: nothing signals the eventfds, and somebody has to look (polled_doorbells.h).
  bool interrupts = true;
  // Its descriptor gives more than the region: endpoints must be such as could open it themselves.
  bool for_root_only = false;
  // What every endpoint gets alike: the memory, and where to find it. The rest is filled in later.
  Grant memory;
};

}  // namespace tombolo::control
