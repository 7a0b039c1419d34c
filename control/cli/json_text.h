// What `tombolo peers --json` and `tombolo watch --json` print: docs/cli.md has the schema.
#pragma once

#include <string>

#include "control/client/control_client.h"
#include "control/registry/membership.h"

namespace tombolo::control {

inline constexpr int kJsonSchema = 1;

// Without the end of the line.
std::string PeersJson(const PeerList& list);
std::string SnapshotJson(const PeerList& list);
std::string EventJson(const MembershipEvent& event);

}  // namespace tombolo::control
