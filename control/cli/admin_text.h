// What `tombolo admin` prints: docs/cli.md has the schema of the JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/proto/admin_values.h"

namespace tombolo::control {

// trace, debug, info, warn, error, off
const char* Word(LogLevel level);
std::optional<LogLevel> ParseLogLevel(const std::string& word);
std::vector<std::string> LogLevelWords();

// With the end of the line.
std::string StatisticsText(const DaemonStatistics& statistics, bool decorate);
std::string StatisticsJson(const DaemonStatistics& statistics);
std::string SummaryText(const FsckSummary& summary, bool decorate);
std::string RemainingText(const Remaining& remaining);

}  // namespace tombolo::control
