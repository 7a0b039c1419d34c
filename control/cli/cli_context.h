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

  std::string ControlSocket() const { return runtime_dir + "/control.sock"; }
};

}  // namespace tombolo::control
