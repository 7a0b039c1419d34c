// `tombolo forward`: carries local connections to a service of another machine, until it is
// stopped.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `app`.
void AddForwardCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
