#include "control/cli/config_command.h"

#include <stdio.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "control/cli/config_text.h"
#include "control/config/config_errors.h"
#include "control/config/config_file.h"
#include "control/config/config_words.h"
#include "control/config/environment.h"
#include "control/config/layers.h"
#include "control/config/read_flags.h"

namespace tombolo::control {
namespace {

struct ConfigFlags {
  std::string file;
  std::string table;
  std::vector<std::string> words;
  bool origin = false;
  bool json = false;
};

struct Program {
  explicit Program(DeclaredFlags made)
      : declared(std::move(made)), flags(*declared.app, declared.table) {}

  DeclaredFlags declared;
  FlagSet flags;
};

using Programs = std::vector<std::unique_ptr<Program>>;

Programs Declare(const std::vector<DeclareFlags>& all) {
  Programs programs;
  for (const DeclareFlags& declare : all) programs.push_back(std::make_unique<Program>(declare()));
  return programs;
}

std::string PathOf(const ConfigFile& file) {
  return file.path.empty() ? kUsualConfigPath : file.path;
}

// What is wrong here is what was asked for, and no wrong usage.
absl::Status Failed(const absl::Status& status) {
  return absl::FailedPreconditionError(status.message());
}

ShownTable Shown(const Layers& layers, FlagSet& flags, ConfigErrors& errors) {
  const Origins origins = ApplyLayers(layers, flags, errors);
  ShownTable shown{.table = flags.Table(), .keys = {}};
  for (const FlagKey& key : flags.Keys()) {
    shown.keys.push_back({key, flags.Words(key), origins.find(key.name)->second});
  }
  return shown;
}

// What is wrong between values each of which is good.
void CheckTogether(const Programs& programs, ConfigErrors& errors) {
  for (const auto& program : programs) {
    const absl::Status together = program->declared.check();
    if (together.ok()) continue;
    errors.Add(absl::StrCat("[", program->flags.Table(), "]: ", std::string(together.message())));
  }
}

// All values, or all that is wrong.
absl::StatusOr<std::vector<ShownTable>> Evaluate(const Layers& layers, FlagSet& own,
                                                 const Programs& programs) {
  ConfigErrors errors;
  CheckTables(layers.file, errors);
  std::vector<ShownTable> tables = {Shown(layers, own, errors)};
  for (const auto& program : programs) tables.push_back(Shown(layers, program->flags, errors));
  if (errors.IsEmpty()) CheckTogether(programs, errors);
  if (!errors.IsEmpty()) return Failed(errors.ToStatus());
  return tables;
}

absl::Status Check(FlagSet& own, const std::vector<DeclareFlags>& all, const ConfigFlags& chosen) {
  absl::StatusOr<ConfigFile> file =
      FindConfig(chosen.file.empty() ? own.ConfigPath() : chosen.file);
  if (!file.ok()) return Failed(file.status());
  const Layers layers{*std::move(file), TomboloEnvironment()};
  const auto tables = Evaluate(layers, own, Declare(all));
  if (!tables.ok()) return tables.status();
  const char* verdict =
      layers.file.path.empty() ? "not there; variables and defaults hold" : "good";
  printf("%s: %s\n", PathOf(layers.file).c_str(), verdict);
  return absl::OkStatus();
}

absl::Status NoSuchTable(const std::string& table) {
  return absl::InvalidArgumentError(absl::StrCat("there is no table ", table, "; there are ",
                                                 absl::StrJoin(ConfigTables(), ", "), "."));
}

// Only the table that was asked for, if one was; with its program's flags.
absl::Status Choose(Programs& programs, const ConfigFlags& chosen) {
  if (chosen.table.empty()) return absl::OkStatus();
  std::erase_if(programs, [&chosen](const std::unique_ptr<Program>& program) {
    return program->flags.Table() != chosen.table;
  });
  if (programs.empty()) return NoSuchTable(chosen.table);
  return programs.front()->flags.Parse(chosen.words);
}

std::string ConfigPathOf(const FlagSet& own, const Programs& programs, const ConfigFlags& chosen) {
  const bool is_named = !chosen.table.empty() && !programs.front()->flags.ConfigPath().empty();
  return is_named ? programs.front()->flags.ConfigPath() : own.ConfigPath();
}

absl::Status Show(FlagSet& own, const std::vector<DeclareFlags>& all, const ConfigFlags& chosen) {
  Programs programs = Declare(all);
  if (absl::Status status = Choose(programs, chosen); !status.ok()) return status;
  absl::StatusOr<ConfigFile> file = FindConfig(ConfigPathOf(own, programs, chosen));
  if (!file.ok()) return Failed(file.status());
  const Layers layers{*std::move(file), TomboloEnvironment()};
  absl::StatusOr<std::vector<ShownTable>> tables = Evaluate(layers, own, programs);
  if (!tables.ok()) return tables.status();
  if (!chosen.table.empty()) tables->erase(tables->begin());
  const std::string text =
      chosen.json ? ShowJson(layers.file.path, *tables) : ShowText(*tables, chosen.origin);
  fputs(text.c_str(), stdout);
  return absl::OkStatus();
}

ShownKey DefaultOf(const FlagKey& key) { return {key, key.defaults, Origin{}}; }

// What several programs have; described as the first one does.
ShownTable CommonDefaults(const Programs& programs) {
  ShownTable common;
  for (const std::string& name : CommonKeys()) {
    for (const auto& program : programs) {
      const FlagKey* key = program->flags.Find(name);
      if (key == nullptr) continue;
      common.keys.push_back(DefaultOf(*key));
      break;
    }
  }
  return common;
}

absl::Status Example(const std::vector<DeclareFlags>& all) {
  const Programs programs = Declare(all);
  std::vector<ShownTable> tables = {CommonDefaults(programs)};
  for (const auto& program : programs) {
    ShownTable table{.table = program->flags.Table(), .keys = {}};
    for (const FlagKey& key : program->flags.Keys()) table.keys.push_back(DefaultOf(key));
    tables.push_back(std::move(table));
  }
  fputs(ExampleText(tables).c_str(), stdout);
  return absl::OkStatus();
}

using Action = std::function<absl::Status(const ConfigFlags&)>;

void SetAction(CLI::App& command, CliContext& context, const std::shared_ptr<ConfigFlags>& chosen,
               const Action& action) {
  command.callback([&context, chosen, action] {
    context.needs_config = false;
    context.run = [chosen, action] { return action(*chosen); };
  });
}

CLI::App* AddCheck(CLI::App& config, ConfigFlags& chosen) {
  CLI::App* check = config.add_subcommand(
      "check", "Find all that is wrong with the configuration and the variables.");
  check->footer(
      "  tombolo config check                 the file that the programs would read\n"
      "  tombolo config check ./new.toml      another one; exit code 1 and a line for each error\n"
      "  ExecStartPre=/usr/bin/tombolo config check        in a unit of systemd");
  check->add_option("file", chosen.file, "The file to check")->option_text("[FILE]");
  return check;
}

CLI::App* AddShow(CLI::App& config, ConfigFlags& chosen) {
  CLI::App* show = config.add_subcommand("show", "Print the values that hold.");
  show->footer(
      "  tombolo config show                       of all programs, as they would start now\n"
      "  tombolo config show --origin              and where each comes from\n"
      "  tombolo config show daemon -- --size 1G   of one that is started with these flags\n"
      "  tombolo config show --json | jq '.values[] | select(.origin != \"default\")'");
  show->add_option("table", chosen.table, "One table only: agent, daemon")->option_text("[TABLE]");
  show->add_option("flags", chosen.words, "Flags of that program, after --")
      ->option_text("[-- FLAGS]");
  show->add_flag("--origin", chosen.origin, "Where each value comes from, as a comment behind it");
  show->add_flag("--json", chosen.json, "One JSON object, with everything (docs/cli.md)");
  return show;
}

CLI::App* AddExample(CLI::App& config) {
  CLI::App* example =
      config.add_subcommand("example", "Print a configuration with all keys, as comments.");
  example->footer("  tombolo config example >/etc/tombolo/tombolo.toml      to begin with");
  return example;
}

}  // namespace

void AddConfigCommand(CLI::App& app, CliContext& context, FlagSet& own,
                      const std::vector<DeclareFlags>& programs) {
  CLI::App* config = app.add_subcommand("config", "Check and show the programs' configuration.");
  config->footer(
      "  tombolo config check                 all that is wrong, with file, line and key\n"
      "  tombolo config show --origin         the values that hold, and where they come from\n"
      "  tombolo config example               a file with every key and its default");
  config->require_subcommand(1);
  const auto chosen = std::make_shared<ConfigFlags>();
  SetAction(*AddCheck(*config, *chosen), context, chosen,
            [&own, programs](const ConfigFlags& flags) { return Check(own, programs, flags); });
  SetAction(*AddShow(*config, *chosen), context, chosen,
            [&own, programs](const ConfigFlags& flags) { return Show(own, programs, flags); });
  SetAction(*AddExample(*config), context, chosen,
            [programs](const ConfigFlags&) { return Example(programs); });
}

}  // namespace tombolo::control
