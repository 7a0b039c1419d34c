// What `tombolo` prints of a cluster of hosts.
#pragma once

#include <string>

#include "control/cluster/cluster_info.h"

namespace tombolo::control {

// One line per peer, over all hosts.
std::string AllPeersTable(const ClusterInfo& info, bool decorate);

// docs/cli.md has the schema. Without the end of the line.
std::string AllPeersJson(const ClusterInfo& info);

// For mpirun's --hostfile: a line for each machine whose peer is ready.
std::string HostFile(const ClusterInfo& info);

// HOST:PORT on a line each; or one line of options for libmemcached. Always in the same order, by
// which clients find keys.
std::string KvServerLines(const ClusterInfo& info);
std::string KvServerOptions(const ClusterInfo& info);

// What is wrong with what is known, as a sentence; empty if nothing is.
std::string DoubtAbout(const ClusterInfo& info);

}  // namespace tombolo::control
