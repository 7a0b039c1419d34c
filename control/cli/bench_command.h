// `tombolo bench`: how fast messages go to another peer, measured.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `app`.
void AddBenchCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
