// `tombolo kv get`, `set` and `del`: items of one memcached server.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `kv`.
void AddKvItemCommands(CLI::App& kv, CliContext& context);

}  // namespace tombolo::control
