#include "control/config/nearest.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>

namespace tombolo::control {
namespace {

// Of a short name: two letters that changed places are two.
constexpr size_t kSlips = 2;

// Levenshtein's distance: one row of the table after the other.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string Nearest(std::string_view wrong, const std::vector<std::string>& names) {
  std::string nearest;
  size_t least = SIZE_MAX;
  for (const std::string& name : names) {
    // The difference in length alone is too much; and `wrong` may have millions of letters.
    if (wrong.size() > 2 * name.size()) continue;
    const size_t distance = Distance(wrong, name);
    if (distance >= least || distance > std::max(kSlips, name.size() / 3)) continue;
    least = distance;
    nearest = name;
  }
  return nearest;
}

}  // namespace tombolo::control
