#include "control/config/layers.h"

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "control/config/config_words.h"
#include "control/config/flag_words.h"
#include "control/config/nearest.h"
#include "control/config/toml_text.h"

namespace tombolo::control {
namespace {

// The names of flags and tables have some ten letters. Others are quoted: they may be anything.
constexpr size_t kLongestBareName = 100;

std::string NameForError(const std::string& name) {
  const bool is_bare = std::ranges::all_of(name, [](char letter) {
    return absl::ascii_isalnum(static_cast<unsigned char>(letter)) || letter == '-' ||
           letter == '_';
  });
  const bool is_short = !name.empty() && name.size() <= kLongestBareName;
  return is_bare && is_short ? name : QuotedForError(name);
}

std::vector<std::string> InBrackets(const std::vector<std::string>& tables) {
  std::vector<std::string> written;
  for (const std::string& table : tables) written.push_back(absl::StrCat("[", table, "]"));
  return written;
}

// "did you mean X?", or all there are.
std::string Hint(std::string_view wrong, const std::vector<std::string>& names,
                 const std::string& there_are) {
  const std::string nearest = Nearest(wrong, names);
  if (!nearest.empty()) return absl::StrCat("did you mean ", nearest, "?");
  std::vector<std::string> sorted = names;
  std::ranges::sort(sorted);
  return absl::StrCat(there_are, " ", absl::StrJoin(sorted, ", "), ".");
}

// The same for variables of `table`, which all begin alike.
std::string VariableHint(std::string_view wrong, const std::string& table,
                         const std::vector<std::string>& keys) {
  const std::string prefix = VariableName(table, "");
  std::vector<std::string> names;
  std::vector<std::string> ends;
  for (const std::string& key : keys) {
    names.push_back(VariableName(table, key));
    ends.push_back(names.back().substr(prefix.size()));
  }
  const std::string nearest = Nearest(wrong.substr(prefix.size()), ends);
  if (!nearest.empty()) return absl::StrCat("did you mean ", prefix, nearest, "?");
  return Hint("", names, "it knows");
}

void CheckRootEntry(const ConfigFile& file, const ConfigEntry& entry, ConfigErrors& errors) {
  if (IsCommonKey(entry.key)) return;
  const std::string key = NameForError(entry.key);
  if (std::ranges::find(ConfigTables(), entry.key) != ConfigTables().end()) {
    errors.AddAt(file, entry.value.place,
                 absl::StrCat(key, " is ", SeenWords(entry.value), "; expected a table: write [",
                              key, "], and its keys below."));
    return;
  }
  errors.AddAt(file, entry.place,
               absl::StrCat("there is no key ", key, " before the first table, only ",
                            absl::StrJoin(CommonKeys(), " and "), "; put it below one of ",
                            absl::StrJoin(InBrackets(ConfigTables()), ", "), "."));
}

class Applier {
 public:
  Applier(const Layers& layers, FlagSet& flags, ConfigErrors& errors)
      : layers_(layers), flags_(flags), errors_(errors) {}

  Origins Apply() {
    RefuseUnknownKeys();
    RefuseUnknownVariables();
    for (const FlagKey& key : flags_.Keys()) ApplyTo(key);
    RefuseConflicts();
    return std::move(origins_);
  }

 private:
  // From the weakest to the strongest: each sets the value anew.
  void ApplyTo(const FlagKey& key) {
    const bool is_given = flags_.IsSet(key);
    const std::vector<std::string> given = flags_.Words(key);
    Origin& origin = origins_[key.name];
    for (const ConfigEntry* entry : Entries(key)) {
      if (SetFrom(*entry, key)) {
        origin = {OriginKind::kFile, absl::StrCat(layers_.file.path, ":", entry->place.line)};
      }
    }
    for (const std::string& name : Variables(key)) {
      if (SetFrom(name, key)) origin = {OriginKind::kVariable, name};
    }
    if (!is_given) return;
    origin = {OriginKind::kFlag, "--" + key.name};
    // The command line was read with less care: see FlagSet::Set.
    if (const std::optional<std::string> why = flags_.Set(key, given)) {
      errors_.Add(Refusal(origin.where, QuotedForError(absl::StrJoin(given, ",")), *why, key));
    }
  }

  // Weakest first.
  std::vector<const ConfigEntry*> Entries(const FlagKey& key) const {
    std::vector<const ConfigEntry*> entries;
    const auto add = [&](std::string_view name) {
      const ConfigTable* table = layers_.file.Find(name);
      const ConfigEntry* entry = table == nullptr ? nullptr : table->Find(key.name);
      if (entry != nullptr) entries.push_back(entry);
    };
    if (IsCommonKey(key.name)) add("");
    if (!flags_.Table().empty()) add(flags_.Table());
    return entries;
  }

  // Weakest first.
  std::vector<std::string> Variables(const FlagKey& key) const {
    std::vector<std::string> names;
    const auto add = [&](std::string_view table) {
      const std::string name = VariableName(table, key.name);
      if (layers_.environment.contains(name)) names.push_back(name);
    };
    if (IsCommonKey(key.name)) add("");
    if (!flags_.Table().empty()) add(flags_.Table());
    return names;
  }

  // Whether it is the value now: an empty list is as good as none.
  bool SetFrom(const ConfigEntry& entry, const FlagKey& key) {
    const bool is_list = entry.value.kind == ConfigKind::kList;
    if (key.is_list != is_list) return RefuseKind(entry, entry.value, key);
    const std::span<const ConfigValue> values =
        is_list ? std::span(entry.value.elements) : std::span(&entry.value, 1);
    std::vector<std::string> words;
    for (const ConfigValue& value : values) {
      if (!TakesKind(key, value.kind)) return RefuseKind(entry, value, key);
      // TOML can write it as \u0000, and whoever takes the text for a path would see half of it.
      if (value.text.find('\0') != std::string::npos) {
        return Refuse(value.place, entry, SeenWords(value), "there is a NUL in it", key);
      }
      // Each by itself first, to tell which one is wrong.
      if (const std::optional<std::string> why = flags_.Set(key, {value.text})) {
        return Refuse(value.place, entry, SeenWords(value), *why, key);
      }
      words.push_back(value.text);
    }
    return SetAll(key, words);
  }

  bool SetFrom(const std::string& variable, const FlagKey& key) {
    const std::string& text = layers_.environment.find(variable)->second;
    std::vector<std::string> words = {text};
    if (key.is_list) words = absl::StrSplit(text, ',', absl::SkipWhitespace());
    for (std::string& word : words) {
      if (key.is_list || key.kind != FlagKind::kText) absl::StripAsciiWhitespace(&word);
      if (const std::optional<std::string> why = flags_.Set(key, {word})) {
        errors_.Add(Refusal(variable, QuotedForError(word), *why, key));
        return false;
      }
    }
    return SetAll(key, words);
  }

  // Words that were accepted one by one. None leave the weaker value as it is.
  bool SetAll(const FlagKey& key, const std::vector<std::string>& words) {
    if (!words.empty()) flags_.Set(key, words);
    return !words.empty();
  }

  bool RefuseKind(const ConfigEntry& entry, const ConfigValue& value, const FlagKey& key) {
    return Refuse(value.place, entry, SeenWithKind(value), "", key);
  }

  bool Refuse(const ConfigPlace& place, const ConfigEntry& entry, const std::string& seen,
              const std::string& why, const FlagKey& key) {
    // A common key of the root is named without a table.
    const ConfigTable* own = layers_.file.Find(flags_.Table());
    const bool is_own = own != nullptr && !own->name.empty() && own->Find(key.name) == &entry;
    const std::string name = is_own ? absl::StrCat(own->name, ".", key.name) : key.name;
    errors_.AddAt(layers_.file, place, Refusal(name, seen, why, key));
    return false;
  }

  void RefuseUnknownKeys() {
    const ConfigTable* own = flags_.Table().empty() ? nullptr : layers_.file.Find(flags_.Table());
    if (own == nullptr) return;
    for (const ConfigEntry& entry : own->entries) {
      if (flags_.Find(entry.key) != nullptr) continue;
      errors_.AddAt(layers_.file, entry.place,
                    absl::StrCat("[", own->name, "] has no key ", NameForError(entry.key), "; ",
                                 Hint(entry.key, flags_.Names(), "it has")));
    }
  }

  void RefuseUnknownVariables() {
    if (flags_.Table().empty()) return;
    const std::string prefix = VariableName(flags_.Table(), "");
    std::set<std::string> known;
    for (const FlagKey& key : flags_.Keys()) known.insert(VariableName(flags_.Table(), key.name));
    for (auto at = layers_.environment.lower_bound(prefix);
         at != layers_.environment.end() && at->first.starts_with(prefix); ++at) {
      if (known.contains(at->first)) continue;
      errors_.Add(absl::StrCat(flags_.ProgramName(), " knows no variable ", NameForError(at->first),
                               "; ", VariableHint(at->first, flags_.Table(), flags_.Names())));
    }
  }

  void RefuseConflicts() {
    for (const auto& [one, other] : flags_.Conflicts()) {
      errors_.Add(absl::StrCat(one->name, " (", OriginWords(origins_[one->name]), ") and ",
                               other->name, " (", OriginWords(origins_[other->name]), ") of ",
                               flags_.ProgramName(), " exclude each other; keep one of them."));
    }
  }

  const Layers& layers_;
  FlagSet& flags_;
  ConfigErrors& errors_;
  Origins origins_;
};

}  // namespace

std::string OriginWords(const Origin& origin) {
  switch (origin.kind) {
    case OriginKind::kFlag:
      return "flag " + origin.where;
    case OriginKind::kVariable:
      return "variable " + origin.where;
    case OriginKind::kFile:
      return origin.where;
    case OriginKind::kDefault:
      break;
  }
  return "default";
}

void CheckTables(const ConfigFile& file, ConfigErrors& errors) {
  for (const ConfigTable& table : file.tables) {
    if (table.name.empty()) {
      for (const ConfigEntry& entry : table.entries) CheckRootEntry(file, entry, errors);
    } else if (std::ranges::find(ConfigTables(), table.name) == ConfigTables().end()) {
      errors.AddAt(file, table.place,
                   absl::StrCat("there is no table [", NameForError(table.name), "]; ",
                                Hint(table.name, ConfigTables(), "there are")));
    }
  }
}

Origins ApplyLayers(const Layers& layers, FlagSet& flags, ConfigErrors& errors) {
  return Applier(layers, flags, errors).Apply();
}

}  // namespace tombolo::control
