// What the two words of `tombolo cp FROM TO` mean.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace tombolo::control {

struct CopyPaths {
  bool is_put = true;  // From here to there; else the other way round.
  uint16_t slot = 0;
  std::string local;   // As it was given.
  std::string remote;  // For a put, a path that named a folder has the file's name at its end.
};

// One of the words is SLOT:PATH, the other one a path of this machine, which may be written as
// ./PATH where it looks like the first kind. InvalidArgument: both are of one kind, or a path names
// no file.
absl::StatusOr<CopyPaths> ParseCopyPaths(const std::string& from, const std::string& to);

// The last part of a path; empty when it ends with a slash.
std::string FileNameOf(const std::string& path);

}  // namespace tombolo::control
