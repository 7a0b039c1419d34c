// What a status says, as a std::string: for gmock's HasSubstr.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tombolo {

inline std::string Text(const absl::Status& status) { return status.ToString(); }

template <typename T>
std::string Text(const absl::StatusOr<T>& result) {
  return result.status().ToString();
}

}  // namespace tombolo
