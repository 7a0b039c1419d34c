// Checks of flags, made of functions that judge with an absl::Status: what one says is then told of
// flags, of variables and of a configuration's keys alike.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tombolo::control {

// What CLI::Option::check takes: the reason against a text, empty when there is none.
using FlagCheck = std::function<std::string(const std::string&)>;

inline absl::Status VerdictOf(const absl::Status& status) { return status; }

template <typename T>
absl::Status VerdictOf(const absl::StatusOr<T>& result) {
  return result.status();
}

// `judge`: takes the text, returns a Status or a StatusOr.
template <typename Judge>
FlagCheck CheckBy(Judge judge) {
  return [judge = std::move(judge)](const std::string& text) {
    return std::string(VerdictOf(judge(text)).message());
  };
}

}  // namespace tombolo::control
