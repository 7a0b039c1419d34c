// How `tombolo fsck` tells what it found. Names come from the region, so from anybody: they are
// made printable here.
// docs/cli.md has the schema of --json.
#pragma once

#include <string>

#include "transport/fsck/region_report.h"

namespace tombolo::control {

// Without the end of the line.
std::string FsckJson(const RegionReport& report, const std::string& region_uuid);

// Classes, owners and violations, in lines.
std::string FsckText(const RegionReport& report, bool decorate);

}  // namespace tombolo::control
