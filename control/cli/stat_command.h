// `tombolo stat`: what each endpoint has sent and received, also when the daemon is dead.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `app`.
void AddStatCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
