// `tombolo doctor`: whether this machine, host or guest, has what Tombolo needs, and how to mend
// what is missing.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `app`.
void AddDoctorCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
