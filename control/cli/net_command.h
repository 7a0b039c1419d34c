// `tombolo net`: makes this machine a member of an IP network over the region, until it is stopped,
// and lists members.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `app`.
void AddNetCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
