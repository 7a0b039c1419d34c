// Table: columns of text, aligned. Decorated only on a terminal, so that scripts see plain words.
#pragma once

#include <string>
#include <vector>

namespace tombolo::control {

// Whether what is printed to `fd` may be decorated: a terminal, and neither NO_COLOR nor TERM=dumb
// is in the environment.
bool MayDecorate(int fd);

// One line per row under the heading; columns are two spaces apart, the last is not padded. The
// heading is bold when `decorate`. Rows have as many cells as the heading.
std::string FormatTable(const std::vector<std::string>& heading,
                        const std::vector<std::vector<std::string>>& rows, bool decorate);

}  // namespace tombolo::control
