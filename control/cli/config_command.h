// `tombolo config`: looks at the configuration of all programs, and starts none.
#pragma once

#include <CLI/CLI.hpp>
#include <vector>

#include "control/cli/cli_context.h"
#include "control/config/declared_flags.h"
#include "control/config/flag_set.h"

namespace tombolo::control {

// `own`: the flags that come before the command, which must outlive `app`. `programs`: those with a
// table of their own.
void AddConfigCommand(CLI::App& app, CliContext& context, FlagSet& own,
                      const std::vector<DeclareFlags>& programs);

}  // namespace tombolo::control
