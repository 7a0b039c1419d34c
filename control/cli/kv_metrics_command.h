// `tombolo kv metrics`: the statistics of one memcached server for Prometheus, once or over HTTP.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `kv`.
void AddKvMetricsCommand(CLI::App& kv, CliContext& context);

}  // namespace tombolo::control
