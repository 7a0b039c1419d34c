// `tombolo kv stats`: the statistics of memcached servers, side by side.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `kv`.
void AddKvStatsCommand(CLI::App& kv, CliContext& context);

}  // namespace tombolo::control
