// Machine: what the checks of `tombolo doctor` look at. Tests give folders of their own.
#pragma once

#include <cstdint>
#include <string>

#include "transport/base/units.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo::control {

struct Machine {
  std::string runtime_dir = "/run/tombolo";  // Of the daemon, or in a guest of its agent.
  std::string region_file;                   // Empty: look for the region (region_source.h).
  std::string proc = "/proc";
  SystemPaths system;

  // How long to wait for an answer to one question; less than a check's deadline, so that a check
  // can still say who did not answer.
  int64_t answer_ns = 3 * kNsPerSecond;

  std::string ControlSocket() const { return runtime_dir + "/control.sock"; }
  std::string BrokerSocket() const { return runtime_dir + "/broker.sock"; }
};

}  // namespace tombolo::control
