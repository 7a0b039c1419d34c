// status.json, one object; fields are only ever added, and "schema" counts changes that break
// readers. Times are UTC, as in "2026-11-21T05:48:06Z".
//
//   {"schema": 1, "time": TIME, "monotonic_s": 8123.45, "version": "0.1.0", "started_at": TIME,
//    "health": "starting" | "good" | "stuck", "heartbeat_age_s": 0.4,
//    "region": {"uuid": "...", "size_bytes": 268435456, "free_bytes": 1, "slots": 16,
//               "vectors": 16, "endpoints": 1024, "layout_version": 3},
//    "further_regions": [{"name": "blue", "problem": null, "uuid": "...", "size_bytes": 268435456,
//                         "free_bytes": 1, "virtual_machines": 0, "endpoints": 0, "services": 0}
//                        | {"name": "green", "problem": "why it is not served"}...],
//    "revision": 12, "dead_endpoints": 0, "services": 0,
//    "events": {"joined": 1, "ready": 1, "rebooted": 0, "left": 0, "attached": 4, "gone": 2},
//    "peers": [PEER with "endpoints": [ENDPOINT...]...],   (control/words/membership_json.h)
//    "slots": [{"slot": 0, "counters": {"messages_sent": 1000, ...}}...],
//    "process": {"cpu_seconds": 0.1, "resident_bytes": 1, "open_descriptors": 1,
//                "max_descriptors": 1}}
//
// "monotonic_s" is when the snapshot was taken, by a clock that nobody sets: rates are differences
// divided by its difference. "peers" are there now; "slots" are those that ever were, with what all
// their endpoints did (control/http/ledger.h). Before the daemon has started, heartbeat_age_s is
// null.
#pragma once

#include <string>

#include "control/http/daemon_status.h"

namespace tombolo::control {

std::string StatusJson(const DaemonStatus& status);

}  // namespace tombolo::control
