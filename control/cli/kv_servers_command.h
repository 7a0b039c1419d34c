// `tombolo kv servers`: the memcached servers of the cluster.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `kv`.
void AddKvServersCommand(CLI::App& kv, CliContext& context);

}  // namespace tombolo::control
