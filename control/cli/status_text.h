// How `tombolo status` tells a StatusReport: one page. docs/cli.md has the schema of --json. Names
// come from the region, so from anybody: they are made printable here.
#pragma once

#include <string>

#include "control/cli/status_report.h"

namespace tombolo::control {

// Without the end of the line.
std::string StatusJson(const StatusReport& report);

std::string StatusText(const StatusReport& report, bool decorate);

}  // namespace tombolo::control
