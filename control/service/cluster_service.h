// ClusterService: the call of cluster.proto, answered in a gRPC thread by a function.
#pragma once

#include <utility>

#include "absl/status/statusor.h"
#include "control/cluster/cluster_info.h"
#include "control/proto/cluster.grpc.pb.h"
#include "control/proto/convert_cluster.h"
#include "control/service/ask_cluster.h"
#include "control/service/grpc_status.h"

namespace tombolo::control {

class ClusterService : public v1::Cluster::CallbackService {
 public:
  explicit ClusterService(AskCluster ask) : ask_(std::move(ask)) {}

  grpc::ServerUnaryReactor* GetCluster(grpc::CallbackServerContext* context,
                                       const v1::GetClusterRequest*,
                                       v1::GetClusterResponse* response) override {
    const absl::StatusOr<ClusterInfo> info = ask_();
    if (info.ok()) *response = ToClusterResponse(*info);
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(info.ok() ? grpc::Status::OK : ToGrpc(info.status()));
    return reactor;
  }

 private:
  const AskCluster ask_;
};

}  // namespace tombolo::control
