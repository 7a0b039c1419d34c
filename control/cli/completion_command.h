// `tombolo completion`: scripts that let a shell complete its command line. They are made from the
// declarations of the commands, so whatever is declared is completed.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `app`. What is added to `app` later is completed too.
void AddCompletionCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
