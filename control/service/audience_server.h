// AudienceServer: one gRPC server, for all those who have the same rights. It has limits of its
// own, so that one audience takes nothing from another.
//
// It listens nowhere: whoever accepts connections gives them to it, once Start() has returned.
// Besides our own services it has grpc.health.v1.Health and server reflection, and for
// administrators grpc.channelz.v1.Channelz, which tells of all connections of the process.
//
// Thread safety: Start, Shutdown and the destructor in one thread, Adopt() in one thread.
#pragma once

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "control/service/admin_service.h"
#include "control/service/ask_cluster.h"
#include "control/service/caller_rights.h"
#include "control/service/cluster_service.h"
#include "control/service/live_sockets.h"
#include "control/service/membership_service.h"
#include "control/service/membership_view.h"
#include "control/service/regions_service.h"
#include "control/service/services_service.h"
#include "control/service/watch_hub.h"
#include "control/tls/tls_files.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

class AudienceServer {
 public:
  // `view` and what `rights` name must outlive it.
  AudienceServer(MembershipView& view, const CallerRights& rights, AskCluster ask_cluster,
                 size_t max_connections);
  ~AudienceServer() { Shutdown(); }
  AudienceServer(const AudienceServer&) = delete;
  AudienceServer& operator=(const AudienceServer&) = delete;

  // For connections as they are. Internal when gRPC does not start.
  absl::Status Start();

  // For connections that speak TLS, and show a certificate that is signed by whom `tls` names; what
  // does neither soon is closed.
  absl::Status StartTls(const TlsMaterial& tls);

  // Serves a connection, or closes it when there are too many.
  void Adopt(UniqueFd connection);

  // Ends the watchers, and lets short calls finish (at most a second). Nothing is to be given to it
  // any more.
  void Shutdown();

 private:
  void Configure(grpc::ServerBuilder& builder);
  absl::Status Build(grpc::ServerBuilder& builder);

  const CallerRights rights_;
  const size_t max_connections_;
  LiveSockets connections_;  // Of the adopting thread.
  WatchHub hub_;             // Of all that its services let watch.
  MembershipService membership_;
  ServicesService services_;
  AdminService admin_;
  RegionsService regions_;
  ClusterService cluster_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> tls_;  // Null without TLS.
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace tombolo::control
