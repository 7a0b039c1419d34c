#include "control/cli/completion_command.h"

#include <stdio.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "control/cli/completion_scripts.h"
#include "control/cli/completion_tree.h"

namespace tombolo::control {
namespace {

// CLI11 writes the words that CLI::IsMember allows as "TEXT:{a,b}".
std::vector<std::string> WordsOf(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t begin = type.find('{');
  const size_t end = type.find('}');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return {};
  return absl::StrSplit(type.substr(begin + 1, end - begin - 1), ',', absl::SkipEmpty());
}

// By the word that stands for the value in help texts.
bool IsPath(const CLI::Option& option) {
  return absl::StrContains(option.get_option_text(), "FILE") ||
         absl::StrContains(option.get_option_text(), "DIR");
}

CompletionValue ValueOf(const CLI::Option& option) {
  return {.words = WordsOf(option), .is_path = IsPath(option)};
}

CompletionFlag FlagOf(const CLI::Option& option) {
  CompletionFlag flag{.names = {}, .description = option.get_description(), .value = {}};
  for (const std::string& name : option.get_lnames()) flag.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) flag.names.push_back("-" + name);
  if (option.get_expected_max() > 0) flag.value = ValueOf(option);
  return flag;
}

// Flags of `above` that `command` does not declare itself: they may be given behind it as well.
void Inherit(const CompletionCommand& above, CompletionCommand& command) {
  for (const CompletionFlag& flag : above.flags) {
    const bool is_own = std::ranges::any_of(
        command.flags, [&flag](const CompletionFlag& own) { return own.names == flag.names; });
    if (!is_own) command.flags.push_back(flag);
  }
}

CompletionCommand TreeOf(const CLI::App& app, const CompletionCommand* above) {
  CompletionCommand command{
      .name = app.get_name(),
      .path = above ? absl::StrCat(above->path, " ", app.get_name()) : app.get_name(),
      .description = app.get_description(),
      .flags = {},
      .places = {},
      .commands = {}};
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;  // Hidden.
    if (option->get_positional()) command.places.push_back(ValueOf(*option));
    if (option->nonpositional()) command.flags.push_back(FlagOf(*option));
  }
  if (above) Inherit(*above, command);
  for (const CLI::App* below : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!below->get_group().empty()) command.commands.push_back(TreeOf(*below, &command));
  }
  return command;
}

absl::Status Run(const CLI::App& app, const std::string& shell) {
  const CompletionCommand root = TreeOf(app, nullptr);
  const std::string script = shell == "bash"  ? BashScript(root)
                             : shell == "zsh" ? ZshScript(root)
                                              : FishScript(root);
  fputs(script.c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace

void AddCompletionCommand(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("completion", "Print a script that lets a shell complete tombolo.");
  command->footer(
      "  source <(tombolo completion bash)            now; or at every login, from\n"
      "  tombolo completion bash >/etc/bash_completion.d/tombolo\n"
      "  tombolo completion zsh >/usr/local/share/zsh/site-functions/_tombolo\n"
      "  tombolo completion fish >~/.config/fish/completions/tombolo.fish");
  const auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "Whose: bash, zsh or fish")
      ->option_text(" ")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([&app, &context, shell] {
    context.needs_config = false;
    context.run = [&app, shell] { return Run(app, *shell); };
  });
}

}  // namespace tombolo::control
