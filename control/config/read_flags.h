// Reads a program's flags: command line, environment and configuration, as layers.h orders them.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/config/config_file.h"
#include "control/config/config_words.h"
#include "control/config/declared_flags.h"
#include "control/config/flag_set.h"

namespace tombolo::control {

// The file that was `named`, or else the one that the variable TOMBOLO_CONFIG names, or else the
// `usual` one; without a path when that is missing. Errors as ReadConfigFile: a file that was named
// has to be there.
absl::StatusOr<ConfigFile> FindConfig(const std::string& named,
                                      const std::string& usual = kUsualConfigPath);

// What the command line, which has been parsed, leaves open. InvalidArgument: all that is wrong
// with the configuration, a line each. Other errors as FindConfig.
absl::Status CompleteFlags(FlagSet& flags);

// What a program's main() begins with. Nothing: all values are there, and go together. Else this is
// the exit code, and what there is to say has been printed.
std::optional<int> ReadFlags(const DeclaredFlags& declared, int argc, const char* const* argv);

}  // namespace tombolo::control
