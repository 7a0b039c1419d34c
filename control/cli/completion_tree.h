// What can be typed after `tombolo`, as shells are told it. Plain data; completion_command.cc makes
// it from the declarations of the commands, which are the only list of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace tombolo::control {

// What stands behind a flag, or in a place without one.
struct CompletionValue {
  std::vector<std::string> words;  // The only ones that there are; empty: any.
  bool is_path = false;            // A file or folder.
};

struct CompletionFlag {
  std::vector<std::string> names;  // With their dashes.
  std::string description;
  std::optional<CompletionValue> value;  // Nothing: it takes none.
};

struct CompletionCommand {
  std::string name;
  std::string path;  // As in "tombolo config show".
  std::string description;
  std::vector<CompletionFlag> flags;  // Its own, and those of the commands above it.
  std::vector<CompletionValue> places;
  std::vector<CompletionCommand> commands;
};

// `root` and all below it, each before its own.
std::vector<const CompletionCommand*> AllCommands(const CompletionCommand& root);

// The words of all places of `command`; whether any of them takes a path.
std::vector<std::string> PlaceWords(const CompletionCommand& command);
bool TakesPath(const CompletionCommand& command);

// `text` as one word of a shell, in single quotes, on one line.
std::string Quoted(const std::string& text);

// The first sentence of `text`, without its full stop.
std::string FirstSentence(const std::string& text);

}  // namespace tombolo::control
