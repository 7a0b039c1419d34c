// What the local daemon knows of its cluster, for the commands that print some of it.
#pragma once

#include "absl/status/statusor.h"
#include "control/cli/cli_context.h"
#include "control/cluster/cluster_info.h"

namespace tombolo::control {

// Warns on stderr if it may not be so any more.
absl::StatusOr<ClusterInfo> AskAboutCluster(const CliContext& context);

}  // namespace tombolo::control
