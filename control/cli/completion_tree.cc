#include "control/cli/completion_tree.h"

#include <algorithm>

namespace tombolo::control {

std::vector<const CompletionCommand*> AllCommands(const CompletionCommand& root) {
  std::vector<const CompletionCommand*> all = {&root};
  for (const CompletionCommand& command : root.commands) {
    const std::vector<const CompletionCommand*> below = AllCommands(command);
    all.insert(all.end(), below.begin(), below.end());
  }
  return all;
}

std::vector<std::string> PlaceWords(const CompletionCommand& command) {
  std::vector<std::string> words;
  for (const CompletionValue& place : command.places) {
    words.insert(words.end(), place.words.begin(), place.words.end());
  }
  return words;
}

bool TakesPath(const CompletionCommand& command) {
  return std::ranges::any_of(command.places, &CompletionValue::is_path);
}

std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c == '\n' ? ' ' : c;
    }
  }
  return quoted + "'";
}

std::string FirstSentence(const std::string& text) {
  const size_t next = text.find(". ");
  const std::string first = text.substr(0, next);
  return first.ends_with('.') ? first.substr(0, first.size() - 1) : first;
}

}  // namespace tombolo::control
