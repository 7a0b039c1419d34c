#include "control/cli/config_text.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "control/config/toml_text.h"

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;
constexpr size_t kLineLetters = 100;

constexpr std::string_view kExampleHead =
    "# Tombolo's configuration, with every key and its default: take the # away before those that "
    "are to\n# be others. The programs read /etc/tombolo/tombolo.toml, or the file that --config "
    "or TOMBOLO_CONFIG\n# names. Flags and variables are stronger than this file: docs/config.md. "
    "`tombolo config check` tells\n# what is wrong with it, `tombolo config example` prints this "
    "one.\n\n# Before the first table: for every program that has such a flag. Its own table is "
    "stronger.\n";

std::string TomlScalar(const FlagKey& key, const std::string& word) {
  return key.kind == FlagKind::kText ? TomlString(word) : word;
}

// Nothing: the key has no value.
std::optional<std::string> TomlValue(const FlagKey& key, const std::vector<std::string>& words) {
  if (key.is_list) {
    const auto add = [&key](std::string* out, const std::string& word) {
      out->append(TomlScalar(key, word));
    };
    return absl::StrCat("[", absl::StrJoin(words, ", ", add), "]");
  }
  if (words.empty()) return std::nullopt;
  return TomlScalar(key, words.front());
}

std::string Assignment(const FlagKey& key, const std::vector<std::string>& words) {
  const std::optional<std::string> value = TomlValue(key, words);
  return value ? absl::StrCat(key.name, " = ", *value)
               : absl::StrCat("# ", key.name, " is not set");
}

Json JsonScalar(const FlagKey& key, const std::string& word) {
  int64_t number = 0;
  if (key.kind == FlagKind::kBoolean) return word == "true";
  if (key.kind == FlagKind::kNumber && absl::SimpleAtoi(word, &number)) return number;
  return word;
}

Json JsonValue(const ShownKey& shown) {
  if (shown.key.is_list) {
    Json list = Json::array();
    for (const std::string& word : shown.words) list.push_back(JsonScalar(shown.key, word));
    return list;
  }
  return shown.words.empty() ? Json() : JsonScalar(shown.key, shown.words.front());
}

const char* Word(OriginKind kind) {
  switch (kind) {
    case OriginKind::kFlag:
      return "flag";
    case OriginKind::kVariable:
      return "variable";
    case OriginKind::kFile:
      return "file";
    case OriginKind::kDefault:
      break;
  }
  return "default";
}

Json TextOrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

// As lines of a comment.
std::string Comment(const std::string& text) {
  std::string comment;
  std::string line = "#";
  const std::vector<std::string> words = absl::StrSplit(text, ' ');
  for (const std::string& word : words) {
    if (line.size() + 1 + word.size() > kLineLetters) {
      absl::StrAppend(&comment, line, "\n");
      line.assign(1, '#');
    }
    absl::StrAppend(&line, " ", word);
  }
  return absl::StrCat(comment, line, "\n");
}

std::string ExampleOf(const FlagKey& key) {
  std::string about = key.description;
  if (!key.constraint.empty()) absl::StrAppend(&about, " ", key.constraint);
  const std::string line = Assignment(key, key.defaults);
  const char* mark = line.starts_with('#') ? "" : "# ";
  return absl::StrCat(Comment(about), mark, line, "\n");
}

}  // namespace

std::string ShowText(const std::vector<ShownTable>& tables, bool with_origin) {
  std::string text;
  for (const ShownTable& shown : tables) {
    if (!text.empty()) text += "\n";
    if (!shown.table.empty()) absl::StrAppend(&text, "[", shown.table, "]\n");
    for (const ShownKey& one : shown.keys) {
      absl::StrAppend(&text, Assignment(one.key, one.words));
      if (with_origin) absl::StrAppend(&text, "  # ", OriginWords(one.origin));
      text += "\n";
    }
  }
  return text;
}

std::string ShowJson(const std::string& file, const std::vector<ShownTable>& tables) {
  Json json = {{"schema", kSchema}, {"file", TextOrNull(file)}, {"values", Json::array()}};
  for (const ShownTable& shown : tables) {
    for (const ShownKey& one : shown.keys) {
      json["values"].push_back({{"table", TextOrNull(shown.table)},
                                {"key", one.key.name},
                                {"value", JsonValue(one)},
                                {"origin", Word(one.origin.kind)},
                                {"where", TextOrNull(one.origin.where)}});
    }
  }
  // A variable may hold any bytes.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string ExampleText(const std::vector<ShownTable>& tables) {
  std::string text(kExampleHead);
  for (const ShownTable& shown : tables) {
    if (!shown.table.empty()) absl::StrAppend(&text, "\n[", shown.table, "]\n");
    for (const ShownKey& one : shown.keys) absl::StrAppend(&text, "\n", ExampleOf(one.key));
  }
  return text;
}

}  // namespace tombolo::control
