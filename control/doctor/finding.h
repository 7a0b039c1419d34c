// Finding: what one check of `tombolo doctor` has seen, and how to mend it.
#pragma once

#include <map>
#include <string>
#include <utility>

namespace tombolo::control {

enum class Level {
  kOk,
  kWarning,  // Works, but slower or with less than there could be; or could not be seen.
  kProblem,  // Something will not work.
};

struct Finding {
  Level level = Level::kOk;
  std::string text;                       // What was seen, in one line.
  std::string mend;                       // What to do about it; empty when it is well.
  std::map<std::string, double> numbers;  // What was measured or counted, by name and unit.
};

inline Finding Well(std::string text, std::map<std::string, double> numbers = {}) {
  return {Level::kOk, std::move(text), "", std::move(numbers)};
}

inline Finding Warning(std::string text, std::string mend,
                       std::map<std::string, double> numbers = {}) {
  return {Level::kWarning, std::move(text), std::move(mend), std::move(numbers)};
}

inline Finding Problem(std::string text, std::string mend,
                       std::map<std::string, double> numbers = {}) {
  return {Level::kProblem, std::move(text), std::move(mend), std::move(numbers)};
}

}  // namespace tombolo::control
