// A bench has nobody to report an error to but its reader.
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tombolo::bench {

[[noreturn]] inline void Fail(const std::string& why) {
  fprintf(stderr, "error: %s\n", why.c_str());
  _Exit(1);
}

inline void Require(bool is_true, const char* what) {
  if (!is_true) Fail(std::string(what) + " failed: " + strerror(errno));
}

inline void Require(const absl::Status& status) {
  if (!status.ok()) Fail(status.ToString());
}

template <typename T>
T Require(absl::StatusOr<T> result) {
  Require(result.status());
  return *std::move(result);
}

}  // namespace tombolo::bench
