// The fixed words of a configuration: where it lies, which tables it may have, and how variables
// are called. Keys are not among them: those are the flags (flag_set.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tombolo::control {

// May be missing.
inline constexpr char kUsualConfigPath[] = "/etc/tombolo/tombolo.toml";
inline constexpr char kConfigFlag[] = "--config";
inline constexpr char kConfigVariable[] = "TOMBOLO_CONFIG";

// One for each program that has flags of its own.
const std::vector<std::string>& ConfigTables();

// Keys that may stand before the first table, for every program that has such a flag: those that
// several have.
const std::vector<std::string>& CommonKeys();
bool IsCommonKey(std::string_view key);

// "TOMBOLO_DAEMON_LOG_LEVEL" for log-level in [daemon]; "TOMBOLO_LOG_LEVEL" without a table.
std::string VariableName(std::string_view table, std::string_view key);

}  // namespace tombolo::control
