// A Finding as JSON: what `tombolo doctor --json` prints of it, and how the process of a check
// tells it. docs/cli.md has the schema.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/doctor/finding.h"

namespace tombolo::control {

// ok, warning, problem
const char* Word(Level level);

// One object on one line. What is not UTF-8 is replaced.
std::string FindingJson(const Finding& finding);

// Nothing when `text` is no such object.
std::optional<Finding> ParseFinding(std::string_view text);

// A finding, whose it is and how long that took.
struct NamedFinding {
  std::string check;
  Finding finding;
  double seconds = 0;
};

// Of all checks. side: host or guest.
std::string DoctorJson(std::string_view side, const std::vector<NamedFinding>& findings);

// The worst of all.
Level WorstOf(const std::vector<NamedFinding>& findings);

}  // namespace tombolo::control
