// Values as TOML writes them: for what is shown, and for what errors quote.
#pragma once

#include <string>
#include <string_view>

namespace tombolo::control {

// In quotes, with escapes for what would end the string or move a terminal's cursor.
std::string TomlString(std::string_view text);

// The same, cut to what is worth a line of an error.
std::string QuotedForError(std::string_view text);

}  // namespace tombolo::control
