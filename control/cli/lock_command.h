// `tombolo lock`: runs a command while it holds a lock, or one place of a semaphore, of the region.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

void AddLockCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
