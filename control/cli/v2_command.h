// `tombolo v2 status|ping|send|receive`: the ivshmem v2 device of this guest.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `app`.
void AddV2Command(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
