// What a program prints. It waits until the program ends: the caller's deadline is check.h's.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tombolo::control {

struct CommandOutput {
  int exit_code = 0;  // 128 and the signal's number when one ended it, as shells tell it.
  std::string text;   // Of stdout and stderr together; the first MiB of it.
};

// Runs `words`, whose first is looked for in PATH. NotFound: there is no such program.
absl::StatusOr<CommandOutput> RunCommand(const std::vector<std::string>& words);

}  // namespace tombolo::control
