// The flags of tombolod for a cluster of hosts.
#pragma once

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "control/cluster/cluster_options.h"

namespace tombolo::control {

// `options` must outlive `app`.
void DescribeCluster(CLI::App& app, ClusterOptions& options);

// InvalidArgument for what does not go together.
absl::Status CheckClusterTogether(const ClusterOptions& options);

}  // namespace tombolo::control
