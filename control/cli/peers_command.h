// `tombolo peers`: who is in the region now.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `app`.
void AddPeersCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
