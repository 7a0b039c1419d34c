#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "control/cli/completion_scripts.h"

namespace tombolo::control {
namespace {

constexpr char kBegin[] = R"(# Completion of tombolo in fish, made by `tombolo completion fish`.
function __tombolo_at
    set -l typed (commandline -opc)
    set -e typed[1]
    set -l at tombolo
    set -l is_value 0
    for word in $typed
        if test $is_value = 1
            set is_value 0
            continue
        end
        switch "$at $word"
)";

constexpr char kAfterWalk[] = R"(        end
    end
    test "$at" = "$argv[1]"
end
complete -c tombolo -e
complete -c tombolo -f
)";

std::string WalkCases(const CompletionCommand& command) {
  std::string cases;
  for (const CompletionFlag& flag : command.flags) {
    if (!flag.value) continue;
    for (const std::string& name : flag.names) {
      absl::StrAppend(&cases, "            case ", Quoted(absl::StrCat(command.path, " ", name)),
                      "\n                set is_value 1\n");
    }
  }
  for (const CompletionCommand& below : command.commands) {
    absl::StrAppend(&cases, "            case ", Quoted(below.path), "\n                set at ",
                    Quoted(below.path), "\n");
  }
  return cases;
}

// The beginning of a line that holds where `command` is the last one that is typed.
std::string Where(const CompletionCommand& command) {
  return absl::StrCat("complete -c tombolo -n \"__tombolo_at ", Quoted(command.path), "\"");
}

std::string Names(const CompletionFlag& flag) {
  std::string text;
  for (const std::string& name : flag.names) {
    const bool is_long = name.starts_with("--");
    absl::StrAppend(&text, is_long ? " -l " : " -s ", name.substr(is_long ? 2 : 1));
  }
  return text;
}

std::string Takes(const CompletionValue& value) {
  if (value.is_path) return " -r -F";
  if (value.words.empty()) return " -x";
  return absl::StrCat(" -x -a ", Quoted(absl::StrJoin(value.words, " ")));
}

std::string Lines(const CompletionCommand& command) {
  std::string lines;
  for (const CompletionFlag& flag : command.flags) {
    absl::StrAppend(&lines, Where(command), Names(flag), flag.value ? Takes(*flag.value) : "",
                    " -d ", Quoted(FirstSentence(flag.description)), "\n");
  }
  for (const CompletionCommand& below : command.commands) {
    absl::StrAppend(&lines, Where(command), " -a ", below.name, " -d ",
                    Quoted(FirstSentence(below.description)), "\n");
  }
  for (const CompletionValue& place : command.places) {
    if (place.is_path) absl::StrAppend(&lines, Where(command), " -F\n");
    if (place.words.empty()) continue;
    absl::StrAppend(&lines, Where(command), " -a ", Quoted(absl::StrJoin(place.words, " ")), "\n");
  }
  return lines;
}

}  // namespace

std::string FishScript(const CompletionCommand& root) {
  std::string walk, lines;
  for (const CompletionCommand* command : AllCommands(root)) {
    walk += WalkCases(*command);
    lines += Lines(*command);
  }
  return absl::StrCat(kBegin, walk, kAfterWalk, lines);
}

}  // namespace tombolo::control
