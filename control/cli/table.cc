#include "control/cli/table.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

namespace tombolo::control {
namespace {

constexpr std::string_view kGap = "  ";
constexpr std::string_view kBold = "\033[1m";
constexpr std::string_view kPlain = "\033[0m";

std::string FormatRow(const std::vector<std::string>& cells, const std::vector<size_t>& widths) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    if (i + 1 < cells.size()) line += std::string(widths[i] - cells[i].size(), ' ').append(kGap);
  }
  return line;
}

}  // namespace

bool MayDecorate(int fd) {
  const char* term = getenv("TERM");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  return isatty(fd) && getenv("NO_COLOR") == nullptr && !dumb;
}

std::string FormatTable(const std::vector<std::string>& heading,
                        const std::vector<std::vector<std::string>>& rows, bool decorate) {
  std::vector<size_t> widths;
  for (const std::string& title : heading) widths.push_back(title.size());
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text = FormatRow(heading, widths);
  if (decorate) text = std::string(kBold).append(text).append(kPlain);
  for (const auto& row : rows) text += "\n" + FormatRow(row, widths);
  return text + "\n";
}

}  // namespace tombolo::control
