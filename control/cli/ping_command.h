// `tombolo ping SLOT`: whether the agent of a slot answers through the region, and how fast.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `app`.
void AddPingCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
