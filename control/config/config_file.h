// ConfigFile: what a configuration in TOML says, and where; not what it means. Tables and keys are
// checked in layers.h.
//
// TOML 1.0 is read by toml++, of which only config_file.cc knows. Text that would take it long, or
// deep into the stack, is refused before: see kMaxConfigBytes and kMaxStructure.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tombolo::control {

inline constexpr size_t kMaxConfigBytes = size_t{10} << 20;
// Dots, tables and lists outside of strings (toml_structure.h). A configuration has some tens.
inline constexpr size_t kMaxStructure = 1000;

// Counted from 1; the column in characters.
struct ConfigPlace {
  uint32_t line = 0;
  uint32_t column = 0;

  auto operator<=>(const ConfigPlace&) const = default;
};

enum class ConfigKind { kBoolean, kInteger, kFloat, kString, kTime, kList, kTable };

struct ConfigValue {
  ConfigKind kind = ConfigKind::kTable;
  std::string text;                   // Of a boolean, an integer in decimal, or a string.
  std::vector<ConfigValue> elements;  // Of a list; a list within a list has none.
  ConfigPlace place;
};

struct ConfigEntry {
  std::string key;
  ConfigPlace place;  // Of the key.
  ConfigValue value;
};

struct ConfigTable {
  std::string name;  // Empty: what stands before the first table.
  ConfigPlace place;
  std::vector<ConfigEntry> entries;  // In the order of their places.

  // Null: there is none.
  const ConfigEntry* Find(std::string_view key) const;
};

struct ConfigFile {
  std::string path;  // As it was named; empty: there is no file.
  std::vector<ConfigTable> tables;

  // Null: there is none.
  const ConfigTable* Find(std::string_view table) const;

  // "PATH:LINE:COLUMN".
  std::string At(const ConfigPlace& place) const;
};

// InvalidArgument says what is no TOML, or too much of it, and where.
absl::StatusOr<ConfigFile> ParseConfig(std::string_view text, const std::string& path);

// NotFound: there is no such file. Other errors as ParseConfig and ReadText.
absl::StatusOr<ConfigFile> ReadConfigFile(const std::string& path);

}  // namespace tombolo::control
