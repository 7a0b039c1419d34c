// `tombolo watch`: tells every join, leave and change as it happens.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `app`.
void AddWatchCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
