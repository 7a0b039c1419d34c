// What the commands of `tombolo` share.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"

namespace tombolo::control {

struct CliContext {
  std::string runtime_dir = "/run/tombolo";

  // The chosen command, set while the command line is read and run afterwards.
  std::function<absl::Status()> run;

  // Whether what the command line leaves open is to be found before: not for a command that looks
  // at the configuration itself.
  bool needs_config = true;

  std::string ControlSocket() const { return runtime_dir + "/control.sock"; }
};

}  // namespace tombolo::control
