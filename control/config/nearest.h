// What somebody who wrote a wrong name probably meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tombolo::control {

// The one of `names` that takes the fewest insertions, deletions and replacements of a letter to
// become; empty when that is more than two, and more than every third letter of it.
std::string Nearest(std::string_view wrong, const std::vector<std::string>& names);

}  // namespace tombolo::control
