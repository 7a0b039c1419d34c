// AskCluster: where the answers about other hosts come from.
#pragma once

#include <functional>

#include "absl/status/statusor.h"
#include "control/cluster/cluster_info.h"

namespace tombolo::control {

// What one audience is told of the cluster; called from any thread.
using AskCluster = std::function<absl::StatusOr<ClusterInfo>()>;

}  // namespace tombolo::control
