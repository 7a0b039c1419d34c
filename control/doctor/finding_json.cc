#include "control/doctor/finding_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;
constexpr Level kLevels[] = {Level::kOk, Level::kWarning, Level::kProblem};

Json ToJson(const Finding& finding) {
  return {{"level", Word(finding.level)},
          {"text", finding.text},
          {"mend", finding.mend},
          {"numbers", finding.numbers}};
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<Level> LevelOf(std::string_view word) {
  const auto* found =
      std::ranges::find(kLevels, word, [](Level level) { return std::string_view(Word(level)); });
  if (found == std::end(kLevels)) return std::nullopt;
  return *found;
}

}  // namespace

const char* Word(Level level) {
  switch (level) {
    case Level::kOk:
      return "ok";
    case Level::kWarning:
      return "warning";
    case Level::kProblem:
      return "problem";
  }
  return "unknown";
}

std::string FindingJson(const Finding& finding) { return Dump(ToJson(finding)); }

std::optional<Finding> ParseFinding(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  const std::optional<Level> level = LevelOf(json.value("level", ""));
  if (!level) return std::nullopt;
  return Finding{*level, json.value("text", ""), json.value("mend", ""),
                 json.value("numbers", std::map<std::string, double>())};
}

std::string DoctorJson(std::string_view side, const std::vector<NamedFinding>& findings) {
  Json checks = Json::array();
  for (const NamedFinding& one : findings) {
    Json check = {{"check", one.check}};
    check.update(ToJson(one.finding));
    check["seconds"] = one.seconds;
    checks.push_back(std::move(check));
  }
  return Dump({{"schema", kSchema},
               {"side", side},
               {"level", Word(WorstOf(findings))},
               {"checks", std::move(checks)}});
}

Level WorstOf(const std::vector<NamedFinding>& findings) {
  Level worst = Level::kOk;
  for (const NamedFinding& one : findings) worst = std::max(worst, one.finding.level);
  return worst;
}

}  // namespace tombolo::control
