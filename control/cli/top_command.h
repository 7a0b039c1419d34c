// `tombolo top`: what each endpoint is doing, live, from the counters in the region.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `app`.
void AddTopCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
