// `tombolo admin`: asks the daemon to do something, which administrators may (docs/api.md).
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive the command line.
void AddAdminCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
