// `tombolo kv top`: what memcached servers are doing, live.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `kv`.
void AddKvTopCommand(CLI::App& kv, CliContext& context);

}  // namespace tombolo::control
