// How much structure a text in TOML can have: a bound on what a parser makes of it, found without
// parsing.
#pragma once

#include <cstddef>
#include <string_view>

namespace tombolo::control {

// Dots and opening brackets, of both kinds, outside of strings and comments. The tables, lists and
// dotted keys of `text` are no more, and none is nested more deeply. For text that is no TOML, this
// holds up to the place where it ceases to be.
size_t CountStructure(std::string_view text);

}  // namespace tombolo::control
