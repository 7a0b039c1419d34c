// How a check takes part in the region itself, for a moment.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "control/doctor/machine.h"
#include "transport/endpoint/endpoint.h"

namespace tombolo::control {

// Attaches through the broker of this machine, as the endpoint "tombolo-doctor".
inline absl::StatusOr<std::unique_ptr<Endpoint>> AttachAsDoctor(const Machine& machine) {
  return Endpoint::Attach(machine.BrokerSocket(), "tombolo-doctor");
}

}  // namespace tombolo::control
