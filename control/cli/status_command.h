// `tombolo status`: one page about the region, also when the daemon is dead.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `app`.
void AddStatusCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
