// `tombolo regions`: the regions of one daemon: what they are, and for administrators making,
// resizing and deleting them.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive the command line.
void AddRegionsCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
