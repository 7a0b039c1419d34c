// What `--json` prints. One object a line; fields are only ever added, and "schema" counts changes
// that break readers. Times are UTC, as in "2026-11-21T05:48:06Z".
//
//   peers   {"schema": 1, "revision": 12, "region_uuid": "...", "peers": [PEER...]}
//   watch   {"schema": 1, "revision": 12, "event": "snapshot", "region_uuid": "...", "peers":
//   [...]}
//           {"schema": 1, "revision": 13, "event": "joined" | "ready" | "rebooted" | "left" |
//            "attached" | "gone", "peer": PEER, "endpoints": [ENDPOINT...]}
//   PEER, ENDPOINT: control/words/membership_json.h; a PEER has its "endpoints": [ENDPOINT...] too.
//
// In events, the peer has no "endpoints": those beside it attached, or died, with the event.
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
