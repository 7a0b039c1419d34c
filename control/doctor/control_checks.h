// Who answers at the sockets: the daemon, or in a guest the agent that passes on to it.
#pragma once

#include "control/doctor/finding.h"
#include "control/doctor/machine.h"
#include "control/doctor/side.h"

namespace tombolo::control {

// control.sock: asks for the region.
Finding CheckControlSocket(const Machine& machine, Side side);

// broker.sock: attaches as an endpoint, which is gone again at once.
Finding CheckBrokerSocket(const Machine& machine, Side side);

// Whether all peers have an agent.
Finding CheckPeers(const Machine& machine);

}  // namespace tombolo::control
