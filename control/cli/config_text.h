// How `tombolo config` prints keys and their values.
#pragma once

#include <string>
#include <vector>

#include "control/config/flag_set.h"
#include "control/config/layers.h"

namespace tombolo::control {

struct ShownKey {
  FlagKey key;
  std::vector<std::string> words;  // Its value, as FlagSet::Words.
  Origin origin;
};

struct ShownTable {
  std::string table;  // Empty: what stands before the first one.
  std::vector<ShownKey> keys;
};

// A configuration in TOML with these values; `with_origin`: after each, where it comes from.
std::string ShowText(const std::vector<ShownTable>& tables, bool with_origin);

// One object on one line: docs/cli.md has the schema.
std::string ShowJson(const std::string& file, const std::vector<ShownTable>& tables);

// A configuration in which all keys are comments, with the flags' words and their defaults.
std::string ExampleText(const std::vector<ShownTable>& tables);

}  // namespace tombolo::control
