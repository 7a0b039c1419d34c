#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "control/cli/completion_scripts.h"

namespace tombolo::control {
namespace {

constexpr char kBegin[] = R"(#compdef tombolo
# Completion of tombolo in zsh, made by `tombolo completion zsh`.
_tombolo() {
  local at=tombolo i
  local -a flags commands
  for ((i = 2; i < CURRENT; ++i)); do
    case "$at ${words[i]}" in
)";

constexpr char kAfterWalk[] = R"(    esac
  done
  local before="${words[CURRENT - 1]}"
  # What is typed as one word, --flag=value.
  if compset -P '--*='; then
    before="${IPREFIX%=}"
  fi
  case "$at $before" in
)";

constexpr char kAfterValues[] = R"(  esac
  case "$at" in
)";

constexpr char kEnd[] = R"(  esac
  if [[ $PREFIX == -* ]]; then
    _describe -o 'option' flags
  elif (( $#commands )); then
    _describe 'command' commands
  fi
}
if [[ "${funcstack[1]}" == _tombolo ]]; then
  _tombolo "$@"
else
  compdef _tombolo tombolo
fi
)";

std::string Patterns(const CompletionCommand& command, const CompletionFlag& flag) {
  return absl::StrJoin(flag.names, "|", [&command](std::string* out, const std::string& name) {
    out->append(Quoted(absl::StrCat(command.path, " ", name)));
  });
}

std::string WalkCases(const CompletionCommand& command) {
  std::string cases;
  for (const CompletionFlag& flag : command.flags) {
    if (flag.value) absl::StrAppend(&cases, "      ", Patterns(command, flag), ") ((++i)) ;;\n");
  }
  for (const CompletionCommand& below : command.commands) {
    absl::StrAppend(&cases, "      ", Quoted(below.path), ") at=", Quoted(below.path), " ;;\n");
  }
  return cases;
}

// Offers the words of a value, or paths.
std::string Offer(const CompletionValue& value) {
  if (value.is_path) return "_files";
  if (value.words.empty()) return ":";
  return "compadd -- " + absl::StrJoin(value.words, " ");
}

std::string ValueCases(const CompletionCommand& command) {
  std::string cases;
  for (const CompletionFlag& flag : command.flags) {
    if (!flag.value) continue;
    absl::StrAppend(&cases, "    ", Patterns(command, flag), ") ", Offer(*flag.value),
                    "; return ;;\n");
  }
  return cases;
}

std::string PlaceCase(const CompletionCommand& command) {
  std::string text = absl::StrCat("    ", Quoted(command.path), ")\n      flags=(");
  for (const CompletionFlag& flag : command.flags) {
    for (const std::string& name : flag.names) {
      absl::StrAppend(&text, Quoted(absl::StrCat(name, ":", FirstSentence(flag.description))), " ");
    }
  }
  absl::StrAppend(&text, ")\n      commands=(");
  for (const CompletionCommand& below : command.commands) {
    absl::StrAppend(&text, Quoted(absl::StrCat(below.name, ":", FirstSentence(below.description))),
                    " ");
  }
  absl::StrAppend(&text, ")\n");
  for (const CompletionValue& place : command.places) {
    absl::StrAppend(&text, "      [[ $PREFIX == -* ]] || ", Offer(place), "\n");
  }
  return text + "      ;;\n";
}

}  // namespace

std::string ZshScript(const CompletionCommand& root) {
  std::string walk, values, places;
  for (const CompletionCommand* command : AllCommands(root)) {
    walk += WalkCases(*command);
    values += ValueCases(*command);
    places += PlaceCase(*command);
  }
  return absl::StrCat(kBegin, walk, kAfterWalk, values, kAfterValues, places, kEnd);
}

}  // namespace tombolo::control
