// `tombolo services`: the named owners of memory that outlives processes; lists and closes them.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `app`.
void AddServicesCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
