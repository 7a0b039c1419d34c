// FlagSet: the flags of a program as the keys of its configuration. The declarations in its
// CLI::App are the only list of keys that there is: names, types, checks, words and defaults all
// come from there.
//
// No keys are flags without a long name, hidden ones, and those that are not configurable(), as
// --help, --version and --config are.
//
// It keeps CLI11, which takes seconds to compile, out of whoever only uses flags.
//
// Thread safety: none. The App must outlive the FlagSet.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace CLI {
class App;
}  // namespace CLI

namespace tombolo::control {

enum class FlagKind { kBoolean, kNumber, kText };

struct FlagKey {
  std::string name;  // Of the flag, without its dashes.
  FlagKind kind = FlagKind::kText;
  bool is_list = false;               // The flag may be repeated.
  bool takes_unit = false;            // A number that may be written with one, as text: "256M".
  std::string constraint;             // What the flag's checks call themselves; often empty.
  std::string description;            // The flag's own words.
  std::vector<std::string> defaults;  // As they would be given; none: there is no default.
};

class FlagSet {
 public:
  // `table`: of the configuration; empty for a program that has none of its own. Adds --config to
  // `app`, and to its help how flags and configuration belong together.
  FlagSet(CLI::App& app, std::string table);
  FlagSet(const FlagSet&) = delete;
  FlagSet& operator=(const FlagSet&) = delete;

  const std::string& Table() const { return table_; }
  std::string ProgramName() const;

  // In the order of their declaration.
  const std::vector<FlagKey>& Keys() const { return keys_; }
  const FlagKey* Find(std::string_view name) const;  // Null: there is none.
  std::vector<std::string> Names() const;

  // Reads a command line. Nothing: go on. Else this is the exit code, and what was asked for (help,
  // version) or what is wrong has been printed.
  std::optional<int> ParseOrExit(int argc, const char* const* argv);

  // The same for words without the program's, and without printing.
  absl::Status Parse(std::vector<std::string> words);

  // What --config says; empty: it was not given.
  const std::string& ConfigPath() const { return config_path_; }

  // Whether Parse or Set has given `key` a value.
  bool IsSet(const FlagKey& key) const;

  // As if the flag had been given with `words` only: one word for a key that is no list, else at
  // least one. Says why it cannot be; an empty text when the key's kind says all there is to say.
  std::optional<std::string> Set(const FlagKey& key, const std::vector<std::string>& words);

  // The value that `key` has: after the flag's own conversions, so "256M" is 268435456. Empty: it
  // is not set and has no default.
  std::vector<std::string> Words(const FlagKey& key) const;

  // Pairs that exclude each other, and are both something else than their default.
  std::vector<std::pair<const FlagKey*, const FlagKey*>> Conflicts() const;

 private:
  bool Differs(const FlagKey& key) const;

  CLI::App& app_;
  const std::string table_;
  std::string config_path_;
  std::vector<FlagKey> keys_;
};

}  // namespace tombolo::control
