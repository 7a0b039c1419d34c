// `tombolo ring`, `tombolo wait` and `tombolo id`: doorbells and events by hand, and who we are.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

void AddRingCommand(CLI::App& app, CliContext& context);
void AddWaitCommand(CLI::App& app, CliContext& context);
void AddIdCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
