// The names under which a broker keeps its clients' descriptors in the DescriptorStore:
//
//   broker/listener
//   broker/INDEX.INCARNATION.VECTOR.PID/socket
//   broker/INDEX.INCARNATION.VECTOR.PID/pidfd
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "control/broker/broker_backend.h"

namespace tombolo::control {

inline constexpr std::string_view kListenerName = "broker/listener";

std::string KeptSocketName(const ServedEndpoint& endpoint);
std::string KeptPidfdName(const ServedEndpoint& endpoint);

// The endpoint whose socket is kept under `name`; nothing for any other name.
std::optional<ServedEndpoint> ParseKeptSocketName(std::string_view name);

bool IsKeptPidfdName(std::string_view name);

}  // namespace tombolo::control
