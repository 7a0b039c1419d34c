// `tombolo kv`: items and statistics of memcached servers, tombolo-kv and others.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

// `context` must outlive `app`.
void AddKvCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
