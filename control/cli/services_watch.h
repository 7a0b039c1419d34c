// `tombolo services --watch`: tells which services come, change and go, as tombolod tells it.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "control/cli/cli_context.h"

namespace tombolo::control {

struct ServicesWatch {
  uint64_t resume_after_revision = 0;  // 0: begins with all that there are.
  uint64_t count = 0;                  // Ends after so many lines; 0: goes on until the watch ends.
  bool json = false;                   // docs/cli.md has the schema.
};

// Prints until it ends; each line is flushed, because readers of a pipe wait for it.
absl::Status WatchServices(const CliContext& context, const ServicesWatch& watch);

}  // namespace tombolo::control
