// The command line of tombolod.
#pragma once

#include <memory>
#include <string>

#include "control/config/declared_flags.h"
#include "control/daemon/daemon_options.h"

namespace tombolo::control {

struct DaemonFlags {
  DaemonOptions options;
  std::string store = "auto";
  std::string log_level = "info";
};

// All flags, which are read into `flags`. They go together when there is a geometry for them.
DeclaredFlags DeclareDaemonFlags(const std::shared_ptr<DaemonFlags>& flags);

}  // namespace tombolo::control
