// Peers and endpoints in JSON, the same wherever they are told: `tombolo peers --json` and the
// daemon's status.json. Fields are only ever added. Times are UTC, as in "2026-11-21T05:48:06Z".
//
//   PEER     {"slot": 1, "kind": "vm" | "host", "state": "connected" | "ready", "incarnation": 1,
//            "boot_id": "...", "joined_at": TIME}
//   ENDPOINT {"index": 0, "incarnation": 1, "name": "agent", "pid": 311, "vector": 2,
//            "attached_at": TIME}
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "control/registry/membership.h"

namespace tombolo::control {

// PEER, without its endpoints.
nlohmann::ordered_json PeerJson(const PeerInfo& peer);

// [ENDPOINT...]
nlohmann::ordered_json EndpointsJson(const std::vector<EndpointInfo>& endpoints);

// On one line. Names are printable ASCII; whatever else comes is replaced, not thrown at.
std::string DumpJson(const nlohmann::ordered_json& json);

}  // namespace tombolo::control
