#include "control/config/toml_structure.h"

#include <algorithm>
#include <string>

namespace tombolo::control {
namespace {

// A string in three quotes may end with two of its own before the three that close it.
constexpr size_t kMoreQuotes = 2;

// The offset behind the string that begins at `begin`: whose first quote is there.
size_t EndOfString(std::string_view text, size_t begin) {
  const char quote = text[begin];
  const std::string three(3, quote);
  const bool is_long = text.substr(begin, three.size()) == three;
  size_t at = begin + (is_long ? three.size() : 1);
  for (; at < text.size(); ++at) {
    if (text[at] == '\\' && quote == '"') {
      ++at;
    } else if (!is_long && (text[at] == quote || text[at] == '\n')) {
      return at + 1;
    } else if (is_long && text.substr(at, three.size()) == three) {
      at += three.size();
      for (size_t i = 0; i < kMoreQuotes && at < text.size() && text[at] == quote; ++i) ++at;
      return at;
    }
  }
  return text.size();
}

}  // namespace

size_t CountStructure(std::string_view text) {
  size_t count = 0;
  size_t at = 0;
  while (at < text.size()) {
    switch (text[at]) {
      case '#':
        at = std::min(text.find('\n', at), text.size());
        break;
      case '"':
      case '\'':
        at = EndOfString(text, at);
        break;
      case '.':
      case '[':
      case '{':
        ++count;
        [[fallthrough]];
      default:
        ++at;
    }
  }
  return count;
}

}  // namespace tombolo::control
