// Between the messages of cluster.proto and the values of control/cluster; as convert.h.
#pragma once

#include "control/cluster/cluster_info.h"
#include "control/proto/cluster.pb.h"

namespace tombolo::control {

v1::GetClusterResponse ToClusterResponse(const ClusterInfo& info);
ClusterInfo FromClusterResponse(const v1::GetClusterResponse& response);

}  // namespace tombolo::control
