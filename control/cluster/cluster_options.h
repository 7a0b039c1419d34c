// What a daemon is told of its cluster.
#pragma once

#include <string>
#include <vector>

#include "control/tls/tls_files.h"

namespace tombolo::control {

struct ClusterOptions {
  std::vector<std::string> endpoints = {};  // Of etcd's servers, HOST:PORT each; empty: no cluster.
  TlsFiles tls = {};                        // All named, or none.
  std::string prefix = "/tombolo";          // Of all keys.
  std::string host = {};                    // Our name there; empty: the host name.
  std::vector<std::string> machines = {};   // As ParseMachine reads them.
  std::vector<std::string> kv_servers = {};
};

}  // namespace tombolo::control
