// `tombolo cp FROM TO`: copies a file between this machine and another one of the region.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `app`.
void AddCopyCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
