// What a daemon is told to serve.
#pragma once

#include <string>
#include <vector>

#include "control/cluster/cluster_options.h"
#include "control/tls/tls_files.h"
#include "transport/region/geometry.h"

namespace tombolo::control {

struct DaemonOptions {
  std::string runtime_dir = "/run/tombolo";
  RegionLimits limits;
  bool huge_pages = false;  // If there are enough.
  std::string http = {};    // Where the status is served, as SocketAddress; empty: nowhere.
  // Where the control API is served over TCP, as SocketAddress, and by which files; empty: nowhere.
  std::string listen_tls = {};
  TlsFiles tls = {};
  ClusterOptions cluster = {};
  // Regions that are to be there beside this one, as region_word.h has them.
  std::vector<std::string> regions = {};
};

}  // namespace tombolo::control
