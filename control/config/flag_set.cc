#include "control/config/flag_set.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <iterator>
#include <stdexcept>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "control/config/config_words.h"

namespace tombolo::control {
namespace {

constexpr int kExitGood = 0;
constexpr int kExitUsage = 2;

bool IsKey(const CLI::Option* option) {
  return option->get_configurable() && !option->get_lnames().empty() &&
         !option->get_group().empty();
}

// Given without a value: present or not, or counted.
bool IsSwitch(const CLI::Option& option) { return option.get_expected_max() == 0; }

bool IsUnsigned(const CLI::Option& option) { return option.get_type_name().starts_with("UINT"); }

FlagKind KindOf(const CLI::Option& option) {
  const bool is_counted = option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
  if (IsSwitch(option)) return is_counted ? FlagKind::kNumber : FlagKind::kBoolean;
  const bool is_number = IsUnsigned(option) || option.get_type_name().starts_with("INT");
  return is_number ? FlagKind::kNumber : FlagKind::kText;
}

bool TakesUnit(CLI::Option& option) {
  try {
    return option.get_validator(0)->get_modifying();
  } catch (const CLI::OptionNotFound&) {
    return false;
  }
}

// "{a,b}" of "TEXT:{a,b}".
std::string ConstraintOf(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t colon = type.find(':');
  return colon == std::string::npos ? "" : type.substr(colon + 1);
}

std::vector<std::string> DefaultsOf(const CLI::Option& option, const FlagKey& key) {
  std::string text = option.get_default_str();
  if (key.kind == FlagKind::kBoolean) return {text.empty() ? "false" : text};
  if (text.empty()) return {};
  if (!key.is_list) return {text};
  // CLI11 writes lists as [a,b].
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  return absl::StrSplit(text, ',', absl::SkipEmpty());
}

FlagKey KeyOf(CLI::Option& option) {
  FlagKey key;
  key.name = option.get_lnames().front();
  key.kind = KindOf(option);
  key.is_list = option.get_expected_max() > 1;
  key.takes_unit = key.kind == FlagKind::kNumber && TakesUnit(option);
  key.constraint = key.takes_unit ? "" : ConstraintOf(option);
  key.description = option.get_description();
  key.defaults = DefaultsOf(option, key);
  return key;
}

CLI::Option& OptionOf(CLI::App& app, const FlagKey& key) {
  return *app.get_option("--" + key.name);
}

std::string HowToConfigure(const std::string& table, const std::string& key) {
  return absl::StrCat("Each flag is also a key of the table [", table, "] in ", kUsualConfigPath,
                      ", and a variable:\n", VariableName(table, key), " is --", key,
                      ". `tombolo config show --origin` tells what holds.");
}

// As CLI11 reads numbers: 0x10 and 020 are 16.
template <typename Number>
void MakeDecimal(std::string& word) {
  Number number = 0;
  if (CLI::detail::lexical_cast(word, number)) word = absl::StrCat(number);
}

// As CLI11 sums them up: to it, false and 0 are -1.
int64_t TimesGiven(const CLI::Option& option) {
  int64_t count = 0;
  CLI::detail::sum_flag_vector(option.results(), count);
  return std::max<int64_t>(count, 0);
}

bool IsBoolean(const std::string& word) {
  constexpr std::string_view kWords[] = {"true", "false", "1", "0", "yes", "no", "on", "off"};
  return std::ranges::find(kWords, absl::AsciiStrToLower(word)) != std::end(kWords);
}

// CLI11 takes more: nothing for 0, -1 for the largest number, and "0x1" for false.
bool IsOfKind(const CLI::Option& option, const FlagKey& key, const std::string& word) {
  if (key.kind == FlagKind::kText) return true;
  if (key.kind == FlagKind::kBoolean) return IsBoolean(word);
  return !word.empty() && !(IsUnsigned(option) && word.find('-') != std::string::npos);
}

bool IsAboutAValue(const CLI::ParseError& error) {
  const int code = error.get_exit_code();
  return code == static_cast<int>(CLI::ExitCodes::ValidationError) ||
         code == static_cast<int>(CLI::ExitCodes::ConversionError);
}

// Without the flag's name, which CLI11 puts before what a check says.
std::string Reason(const CLI::Option& option, const CLI::ParseError& error) {
  const std::string text = error.what();
  const std::string prefix = option.get_name() + ": ";
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

}  // namespace

FlagSet::FlagSet(CLI::App& app, std::string table) : app_(app), table_(std::move(table)) {
  for (CLI::Option* option : app.get_options()) {
    if (IsKey(option)) keys_.push_back(KeyOf(*option));
  }
  app.add_option(kConfigFlag, config_path_,
                 absl::StrCat("file with values for flags that are not given (default: what ",
                              kConfigVariable, " names, or ", kUsualConfigPath, " if it is there)"))
      ->option_text("FILE")
      ->configurable(false);
  if (!table_.empty() && !keys_.empty()) app.footer(HowToConfigure(table_, keys_.front().name));
}

std::string FlagSet::ProgramName() const { return app_.get_name(); }

const FlagKey* FlagSet::Find(std::string_view name) const {
  const auto found = std::ranges::find(keys_, name, &FlagKey::name);
  return found == keys_.end() ? nullptr : &*found;
}

std::vector<std::string> FlagSet::Names() const {
  std::vector<std::string> names;
  for (const FlagKey& key : keys_) names.push_back(key.name);
  return names;
}

// CLI11 reports by exceptions; here, and in Parse and Set, they end.
std::optional<int> FlagSet::ParseOrExit(int argc, const char* const* argv) {
  try {
    app_.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::Success& asked_for) {
    app_.exit(asked_for);
    return kExitGood;
  } catch (const CLI::ParseError& error) {
    std::cerr << "error: " << error.what() << std::endl;
    if (!IsAboutAValue(error)) std::cerr << "Run with --help for more information." << std::endl;
    return kExitUsage;
  }
}

absl::Status FlagSet::Parse(std::vector<std::string> words) {
  std::ranges::reverse(words);  // As CLI11 wants them.
  try {
    app_.parse(std::move(words));
    return absl::OkStatus();
  } catch (const CLI::Success&) {
    return absl::InvalidArgumentError("--help and --version set nothing; leave them out.");
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(error.what());
  }
}

bool FlagSet::IsSet(const FlagKey& key) const { return !OptionOf(app_, key).empty(); }

std::optional<std::string> FlagSet::Set(const FlagKey& key, const std::vector<std::string>& words) {
  CLI::Option& option = OptionOf(app_, key);
  option.clear();
  for (const std::string& word : words) {
    if (!IsOfKind(option, key, word)) return "";
  }
  try {
    option.add_result(words);
    option.run_callback();
    return std::nullopt;
  } catch (const CLI::ConversionError&) {
    option.clear();
    return "";
  } catch (const std::logic_error&) {
    // What the standard library says of a number that is none, or too large.
    option.clear();
    return "";
  } catch (const CLI::ParseError& error) {
    option.clear();
    return Reason(option, error);
  }
}

std::vector<std::string> FlagSet::Words(const FlagKey& key) const {
  const CLI::Option& option = OptionOf(app_, key);
  if (option.empty()) return key.defaults;
  if (key.kind == FlagKind::kBoolean) return {option.as<bool>() ? "true" : "false"};
  if (IsSwitch(option)) return {absl::StrCat(TimesGiven(option))};
  std::vector<std::string> words = option.reduced_results();
  if (key.kind != FlagKind::kNumber) return words;
  std::ranges::for_each(words, IsUnsigned(option) ? &MakeDecimal<uint64_t> : &MakeDecimal<int64_t>);
  return words;
}

bool FlagSet::Differs(const FlagKey& key) const { return Words(key) != key.defaults; }

std::vector<std::pair<const FlagKey*, const FlagKey*>> FlagSet::Conflicts() const {
  std::vector<std::pair<const FlagKey*, const FlagKey*>> conflicts;
  for (const FlagKey& key : keys_) {
    for (const CLI::Option* excluded : OptionOf(app_, key).get_excludes()) {
      const FlagKey* other = IsKey(excluded) ? Find(excluded->get_lnames().front()) : nullptr;
      // Both know of it: once is enough.
      if (other == nullptr || other < &key) continue;
      if (Differs(key) && Differs(*other)) conflicts.emplace_back(&key, other);
    }
  }
  return conflicts;
}

}  // namespace tombolo::control
