// `tombolo offers`: what the members of the region have for each other.
#pragma once

#include <CLI/CLI.hpp>

#include "control/cli/cli_context.h"

namespace tombolo::control {

void AddOffersCommand(CLI::App& app, CliContext& context);

}  // namespace tombolo::control
