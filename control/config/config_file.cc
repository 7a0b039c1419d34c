#include "control/config/config_file.h"

#include <toml++/toml.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "control/config/file_text.h"
#include "control/config/toml_structure.h"

namespace tombolo::control {
namespace {

constexpr std::string_view kParserPrefix = "Error while parsing ";

ConfigPlace PlaceOf(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

ConfigPlace PlaceOf(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0.
  return {static_cast<uint32_t>(1 + std::ranges::count(before, '\n')),
          static_cast<uint32_t>(1 + offset - line_begin)};
}

ConfigKind KindOf(toml::node_type type) {
  switch (type) {
    case toml::node_type::boolean:
      return ConfigKind::kBoolean;
    case toml::node_type::integer:
      return ConfigKind::kInteger;
    case toml::node_type::floating_point:
      return ConfigKind::kFloat;
    case toml::node_type::string:
      return ConfigKind::kString;
    case toml::node_type::array:
      return ConfigKind::kList;
    case toml::node_type::table:
    case toml::node_type::none:
      return ConfigKind::kTable;
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
      break;
  }
  return ConfigKind::kTime;
}

ConfigValue ScalarOf(const toml::node& node) {
  ConfigValue value;
  value.kind = KindOf(node.type());
  value.place = PlaceOf(node.source());
  if (const auto* boolean = node.as_boolean()) value.text = boolean->get() ? "true" : "false";
  if (const auto* integer = node.as_integer()) value.text = absl::StrCat(integer->get());
  if (const auto* string = node.as_string()) value.text = string->get();
  return value;
}

ConfigValue ValueOf(const toml::node& node) {
  ConfigValue value = ScalarOf(node);
  if (const toml::array* list = node.as_array()) {
    for (const toml::node& element : *list) value.elements.push_back(ScalarOf(element));
  }
  return value;
}

ConfigTable TableOf(std::string name, const ConfigPlace& place, const toml::table& table) {
  ConfigTable made{.name = std::move(name), .place = place, .entries = {}};
  for (auto&& [key, node] : table) {
    // A table of the root is one of the file's tables, not a value.
    if (made.name.empty() && node.is_table()) continue;
    made.entries.push_back({std::string(key.str()), PlaceOf(key.source()), ValueOf(node)});
  }
  std::ranges::sort(made.entries, {}, &ConfigEntry::place);
  return made;
}

ConfigFile FileOf(const toml::table& root, const std::string& path) {
  ConfigFile file{.path = path, .tables = {TableOf("", {}, root)}};
  for (auto&& [key, node] : root) {
    const toml::table* table = node.as_table();
    if (table == nullptr) continue;
    // One without a name would be taken for what stands before the first.
    const std::string name = key.empty() ? "\"\"" : std::string(key.str());
    file.tables.push_back(TableOf(name, PlaceOf(key.source()), *table));
  }
  std::ranges::sort(file.tables, {}, &ConfigTable::place);
  return file;
}

absl::Status CheckText(std::string_view text, const ConfigFile& file) {
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.At(PlaceOf(text, nul)), ": there is a NUL byte; this is no text file."));
  }
  if (CountStructure(text) <= kMaxStructure) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      file.path, ": there are more than ", kMaxStructure,
      " tables, lists and dots outside of strings; a configuration of Tombolo has some tens."));
}

}  // namespace

const ConfigEntry* ConfigTable::Find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &ConfigEntry::key);
  return found == entries.end() ? nullptr : &*found;
}

const ConfigTable* ConfigFile::Find(std::string_view table) const {
  const auto found = std::ranges::find(tables, table, &ConfigTable::name);
  return found == tables.end() ? nullptr : &*found;
}

std::string ConfigFile::At(const ConfigPlace& place) const {
  return absl::StrCat(path, ":", place.line, ":", place.column);
}

absl::StatusOr<ConfigFile> ParseConfig(std::string_view text, const std::string& path) {
  const ConfigFile nothing{.path = path, .tables = {}};
  if (absl::Status status = CheckText(text, nothing); !status.ok()) return status;
  // toml++ reports by exceptions, as Debian builds it; they end here.
  try {
    return FileOf(toml::parse(text), path);
  } catch (const toml::parse_error& error) {
    std::string_view why = error.description();
    if (why.starts_with(kParserPrefix)) why.remove_prefix(kParserPrefix.size());
    return absl::InvalidArgumentError(absl::StrCat(nothing.At(PlaceOf(error.source())),
                                                   ": this is not TOML: ", std::string(why), "."));
  }
}

absl::StatusOr<ConfigFile> ReadConfigFile(const std::string& path) {
  absl::StatusOr<std::string> text = ReadText(path, kMaxConfigBytes);
  if (!text.ok()) return text.status();
  return ParseConfig(*text, path);
}

}  // namespace tombolo::control
