// What `tombolo doctor` tells people. What it tells scripts is control/doctor/finding_json.h's.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "control/doctor/finding_json.h"

namespace tombolo::control {

// One line, and a second one with how to mend it if there is something to mend. name_width: of the
// column of names. Levels have colours when `decorate`.
std::string FindingText(const NamedFinding& finding, size_t name_width, bool decorate);

// As in "host: 12 checks, 10 ok, 2 warnings, 0 problems\n".
std::string FindingsSummary(std::string_view side, const std::vector<NamedFinding>& findings);

}  // namespace tombolo::control
