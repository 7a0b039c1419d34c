// MembershipService: the calls of membership.proto, answered from a MembershipView.
//
// Every answer is a copy out of the view, made in a gRPC thread; nothing here waits. Evict is
// passed on, for those who may. View, hub and what the rights name must outlive it, and the server
// that it is registered with must be shut down before it is destroyed.
#pragma once

#include <utility>

#include "control/proto/membership.grpc.pb.h"
#include "control/service/caller_rights.h"
#include "control/service/membership_view.h"
#include "control/service/watch_hub.h"

namespace tombolo::control {

class MembershipService : public v1::Membership::CallbackService {
 public:
  MembershipService(const MembershipView& view, CallerRights rights, WatchHub& hub)
      : view_(view), rights_(std::move(rights)), hub_(hub) {}

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
  const MembershipView& view_;
  const CallerRights rights_;
  WatchHub& hub_;
};

}  // namespace tombolo::control
