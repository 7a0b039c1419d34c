// By which name agents are found in the member table.
#pragma once

namespace tombolo::control {

// What every agent calls its endpoint.
inline constexpr char kAgentName[] = "agent";

}  // namespace tombolo::control
