// MembershipService: the calls of membership.proto, answered from a MembershipView.
//
// Every answer is a copy out of the view, made in a gRPC thread; nothing here waits. Evict is
// passed on, for those who may. The view and what the rights name must outlive it, and the server
// that it is registered with must be shut down before it is destroyed.
#pragma once

#include <cstddef>
#include <utility>

#include "control/proto/membership.grpc.pb.h"
#include "control/service/caller_rights.h"
#include "control/service/membership_view.h"
#include "control/service/watch_hub.h"

namespace tombolo::control {

class MembershipService : public v1::Membership::CallbackService {
 public:
  MembershipService(MembershipView& view, CallerRights rights, size_t max_watchers)
      : view_(view), rights_(std::move(rights)), hub_(view, max_watchers) {}

  // Ends the WatchPeers calls, so that the server can be shut down at once.
  void Stop() { hub_.Stop(); }

  grpc::ServerUnaryReactor* ListPeers(grpc::CallbackServerContext* context,
                                      const v1::ListPeersRequest* request,
                                      v1::ListPeersResponse* response) override;
  grpc::ServerUnaryReactor* DescribePeer(grpc::CallbackServerContext* context,
                                         const v1::DescribePeerRequest* request,
                                         v1::DescribePeerResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchPeersResponse>* WatchPeers(
      grpc::CallbackServerContext* context, const v1::WatchPeersRequest* request) override;
  grpc::ServerUnaryReactor* GetRegion(grpc::CallbackServerContext* context,
                                      const v1::GetRegionRequest* request,
                                      v1::GetRegionResponse* response) override;
  grpc::ServerUnaryReactor* Evict(grpc::CallbackServerContext* context,
                                  const v1::EvictRequest* request,
                                  v1::EvictResponse* response) override;

 private:
  MembershipView& view_;
  const CallerRights rights_;
  WatchHub hub_;
};

}  // namespace tombolo::control
