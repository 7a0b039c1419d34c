// `tombolo hostfile`: the machines of the cluster, for mpirun.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `app`.
void AddHostfileCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
