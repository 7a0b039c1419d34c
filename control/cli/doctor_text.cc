#include "control/cli/doctor_text.h"

#include <algorithm>

#include "control/doctor/finding.h"
#include "control/words/words.h"

namespace tombolo::control {
namespace {

constexpr std::string_view kGap = "  ";
constexpr size_t kLevelWidth = 7;  // Of "warning" and "problem".

// ANSI: green, yellow, red.
const char* ColourOf(Level level) {
  switch (level) {
    case Level::kOk:
      return "\033[32m";
    case Level::kWarning:
      return "\033[33m";
    case Level::kProblem:
      return "\033[31m";
  }
  return "";
}

std::string Padded(std::string_view text, size_t width) {
  return std::string(text).append(width - std::min(width, text.size()), ' ');
}

std::string LevelCell(Level level, bool decorate) {
  const std::string word = Padded(Word(level), kLevelWidth);
  return decorate ? ColourOf(level) + word + "\033[0m" : word;
}

size_t CountOf(Level level, const std::vector<NamedFinding>& findings) {
  return static_cast<size_t>(std::ranges::count_if(
      findings, [level](const NamedFinding& one) { return one.finding.level == level; }));
}

std::string Counted(size_t count, std::string_view what) {
  return std::to_string(count).append(" ").append(what).append(count == 1 ? "" : "s");
}

}  // namespace

std::string FindingText(const NamedFinding& finding, size_t name_width, bool decorate) {
  std::string text = LevelCell(finding.finding.level, decorate);
  text.append(kGap).append(Padded(finding.check, name_width)).append(kGap);
  text += Printable(finding.finding.text) + "\n";
  if (finding.finding.mend.empty()) return text;
  text.append(kLevelWidth + name_width + 2 * kGap.size(), ' ');
  return text + "to mend it: " + Printable(finding.finding.mend) + "\n";
}

std::string FindingsSummary(std::string_view side, const std::vector<NamedFinding>& findings) {
  return std::string(side) + ": " + Counted(findings.size(), "check") + ", " +
         std::to_string(CountOf(Level::kOk, findings)) + " ok, " +
         Counted(CountOf(Level::kWarning, findings), "warning") + ", " +
         Counted(CountOf(Level::kProblem, findings), "problem") + "\n";
}

}  // namespace tombolo::control
