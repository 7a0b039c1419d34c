// MembershipService: the calls of membership.proto, answered from a MembershipView.
//
// Every answer is a copy out of the view, made in a gRPC thread; nothing here waits. The view must
// outlive it, and the server that it is registered with must be shut down before it is destroyed.
#pragma once

#include <cstddef>

#include "control/proto/membership.grpc.pb.h"
#include "control/service/membership_view.h"
#include "control/service/watch_hub.h"

namespace tombolo::control {

class MembershipService : public v1::Membership::CallbackService {
 public:
  MembershipService(MembershipView& view, size_t max_watchers)
      : view_(view), hub_(view, max_watchers) {}

  // Ends the WatchPeers calls, so that the server can be shut down at once.
  void Stop() { hub_.Stop(); }

  grpc::ServerUnaryReactor* ListPeers(grpc::CallbackServerContext* context,
                                      const v1::ListPeersRequest* request,
                                      v1::ListPeersResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchPeersResponse>* WatchPeers(
      grpc::CallbackServerContext* context, const v1::WatchPeersRequest* request) override;
  grpc::ServerUnaryReactor* GetRegion(grpc::CallbackServerContext* context,
                                      const v1::GetRegionRequest* request,
                                      v1::GetRegionResponse* response) override;

 private:
  MembershipView& view_;
  WatchHub hub_;
};

}  // namespace tombolo::control
