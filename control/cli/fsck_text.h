// How `tombolo fsck` tells what it found. Names come from the region, so from anybody: they are
// made printable here.
//
// --json prints one object:
//   {"schema": 1, "region_uuid": "...", "membership_epoch": 12, "extent_bytes": 4096,
//    "extents": 65021, "free": 65000, "owned": 12, "quarantine": 4, "service": 5, "lost": 0,
//    "changing": 0, "owners": [OWNER...], "violations": [VIOLATION...], "violations_left_out": 0}
//   OWNER      {"owner": "endpoint" | "service", "index": 3, "incarnation": 1, "name": "rank",
//               "state": "live" | "dead" | "service" | "unknown", "extents": 12, "bytes": 49152,
//               "unfinished": 0, "kinds": {"link-directory": 1, "link": 3, "pool-segment": 65,
//               "memory": 0, "quarantine": 0}}
//              endpoints also "slot", "pid"; services with a writer "writer": {"index",
//              "incarnation"}
//   VIOLATION  {"kind": "leak", "index": 17, "extents": 3, "text": "..."}
#pragma once

#include <string>

#include "transport/fsck/region_report.h"

namespace tombolo::control {

// Without the end of the line.
std::string FsckJson(const RegionReport& report, const std::string& region_uuid);

// Classes, owners and violations, in lines.
std::string FsckText(const RegionReport& report, bool decorate);

}  // namespace tombolo::control
