// What a daemon is told to serve.
#pragma once

#include <string>

#include "transport/region/geometry.h"

namespace tombolo::control {

struct DaemonOptions {
  std::string runtime_dir = "/run/tombolo";
  RegionLimits limits;
  bool huge_pages = false;  // If there are enough.
  std::string http = {};    // Where the status is served, as SocketAddress; empty: nowhere.
};

}  // namespace tombolo::control
