#include "control/config/config_words.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace tombolo::control {
namespace {

constexpr std::string_view kVariablePrefix = "TOMBOLO_";

std::string InCapitals(std::string_view word) {
  std::string capitals = absl::AsciiStrToUpper(std::string(word));
  std::ranges::replace(capitals, '-', '_');
  return capitals;
}

}  // namespace

const std::vector<std::string>& ConfigTables() {
  static const auto* const tables = new std::vector<std::string>{"agent", "daemon"};
  return *tables;
}

const std::vector<std::string>& CommonKeys() {
  static const auto* const keys = new std::vector<std::string>{"log-level", "runtime-dir"};
  return *keys;
}

bool IsCommonKey(std::string_view key) {
  return std::ranges::find(CommonKeys(), key) != CommonKeys().end();
}

std::string VariableName(std::string_view table, std::string_view key) {
  const std::string of_table = table.empty() ? "" : InCapitals(table) + "_";
  return std::string(kVariablePrefix) + of_table + InCapitals(key);
}

}  // namespace tombolo::control
