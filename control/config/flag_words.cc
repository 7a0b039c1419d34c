#include "control/config/flag_words.h"

#include "absl/strings/str_cat.h"
#include "control/config/toml_text.h"

namespace tombolo::control {
namespace {

std::string KindWords(const FlagKey& key) {
  if (key.is_list) return "a list of strings";
  switch (key.kind) {
    case FlagKind::kBoolean:
      return "true or false";
    case FlagKind::kNumber:
      return key.takes_unit ? "a whole number, or a string with a unit" : "a whole number";
    case FlagKind::kText:
      break;
  }
  return "a string";
}

std::string WithoutFullStop(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  return std::string(text);
}

}  // namespace

bool TakesKind(const FlagKey& key, ConfigKind kind) {
  switch (key.kind) {
    case FlagKind::kBoolean:
      return kind == ConfigKind::kBoolean;
    case FlagKind::kNumber:
      return kind == ConfigKind::kInteger || (key.takes_unit && kind == ConfigKind::kString);
    case FlagKind::kText:
      break;
  }
  return kind == ConfigKind::kString;
}

std::string SeenWords(const ConfigValue& value) {
  if (value.kind == ConfigKind::kString) return QuotedForError(value.text);
  return value.text.empty() ? SeenWithKind(value) : value.text;
}

std::string SeenWithKind(const ConfigValue& value) {
  switch (value.kind) {
    case ConfigKind::kBoolean:
      return "the boolean " + value.text;
    case ConfigKind::kInteger:
      return "the integer " + value.text;
    case ConfigKind::kFloat:
      return "a float";
    case ConfigKind::kString:
      return "the string " + QuotedForError(value.text);
    case ConfigKind::kTime:
      return "a date or a time";
    case ConfigKind::kList:
      return "a list";
    case ConfigKind::kTable:
      break;
  }
  return "a table";
}

std::string Expected(const FlagKey& key) {
  std::string words = KindWords(key);
  if (key.constraint.starts_with('{')) {
    words = "one of " + key.constraint;
  } else if (!key.constraint.empty()) {
    words += ", " + key.constraint;
  }
  return absl::StrCat(words, ": ", WithoutFullStop(key.description));
}

std::string Refusal(std::string_view name, std::string_view seen, std::string_view why,
                    const FlagKey& key) {
  // A check that has a name of its own for what it takes repeats it in its reason.
  const bool is_said =
      !key.constraint.empty() && why.find(key.constraint) != std::string_view::npos;
  const std::string reason = why.empty() || is_said ? "" : ": " + WithoutFullStop(why);
  return absl::StrCat(std::string(name), " is ", std::string(seen), reason, "; expected ",
                      Expected(key), ".");
}

}  // namespace tombolo::control
