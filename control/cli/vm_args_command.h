// `tombolo vm-args`: what QEMU must be told so that a VM joins this daemon's region.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `app`.
void AddVmArgsCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
