#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "control/cli/completion_scripts.h"

namespace tombolo::control {
namespace {

constexpr char kBegin[] = R"(# Completion of tombolo in bash, made by `tombolo completion bash`.
_tombolo() {
  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD - 1]}"
  # bash makes three words of --flag=value.
  if [[ $word == = ]]; then
    word=
  elif [[ $before == = ]]; then
    before="${COMP_WORDS[COMP_CWORD - 2]}"
  fi
  local path=tombolo i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "$path ${COMP_WORDS[i]}" in
)";

constexpr char kAfterWalk[] = R"(    esac
  done
  COMPREPLY=()
  case "$path $before" in
)";

constexpr char kAfterValues[] = R"(  esac
  local flags= words= paths=
  case "$path" in
)";

constexpr char kEnd[] = R"(  esac
  if [[ $word == -* ]]; then
    words=$flags
  elif [[ -n $paths ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
  COMPREPLY+=($(compgen -W "$words" -- "$word"))
}
complete -F _tombolo tombolo
)";

// The patterns "PATH NAME" of a flag, as a case has them.
std::string Patterns(const CompletionCommand& command, const CompletionFlag& flag) {
  return absl::StrJoin(flag.names, "|", [&command](std::string* out, const std::string& name) {
    out->append(Quoted(absl::StrCat(command.path, " ", name)));
  });
}

// Over the values of flags, and into subcommands.
std::string WalkCases(const CompletionCommand& command) {
  std::string cases;
  for (const CompletionFlag& flag : command.flags) {
    if (!flag.value) continue;
    absl::StrAppend(&cases, "      ", Patterns(command, flag),
                    ") [[ ${COMP_WORDS[i + 1]} == = ]] && ((++i)); ((++i)) ;;\n");
  }
  for (const CompletionCommand& below : command.commands) {
    absl::StrAppend(&cases, "      ", Quoted(below.path), ") path=", Quoted(below.path), " ;;\n");
  }
  return cases;
}

std::string ValueCases(const CompletionCommand& command) {
  std::string cases;
  for (const CompletionFlag& flag : command.flags) {
    if (!flag.value) continue;
    absl::StrAppend(&cases, "    ", Patterns(command, flag), ")\n");
    if (flag.value->is_path) {
      absl::StrAppend(&cases, "      compopt -o filenames 2>/dev/null\n",
                      "      mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n");
    } else if (!flag.value->words.empty()) {
      absl::StrAppend(&cases, "      COMPREPLY=($(compgen -W ",
                      Quoted(absl::StrJoin(flag.value->words, " ")), " -- \"$word\"))\n");
    }
    absl::StrAppend(&cases, "      return ;;\n");
  }
  return cases;
}

std::string PlaceCase(const CompletionCommand& command) {
  std::vector<std::string> flags;
  for (const CompletionFlag& flag : command.flags) {
    flags.insert(flags.end(), flag.names.begin(), flag.names.end());
  }
  std::vector<std::string> words = PlaceWords(command);
  for (const CompletionCommand& below : command.commands) words.push_back(below.name);
  return absl::StrCat("    ", Quoted(command.path), ") flags=", Quoted(absl::StrJoin(flags, " ")),
                      " words=", Quoted(absl::StrJoin(words, " ")),
                      TakesPath(command) ? " paths=1" : "", " ;;\n");
}

}  // namespace

std::string BashScript(const CompletionCommand& root) {
  std::string walk, values, places;
  for (const CompletionCommand* command : AllCommands(root)) {
    walk += WalkCases(*command);
    values += ValueCases(*command);
    places += PlaceCase(*command);
  }
  return absl::StrCat(kBegin, walk, kAfterWalk, values, kAfterValues, places, kEnd);
}

}  // namespace tombolo::control
