// `tombolo region`: bytes of the region, as of a file: all of it to read, memory of a name to
// write.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

void AddRegionCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
