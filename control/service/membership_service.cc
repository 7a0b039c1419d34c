#include "control/service/membership_service.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/proto/convert.h"
#include "control/service/admin_actions.h"
#include "control/service/grpc_status.h"
#include "control/service/watch_feeds.h"

namespace tombolo::control {
namespace {

grpc::ServerUnaryReactor* Answered(grpc::CallbackServerContext* context,
                                   const absl::Status& status = absl::OkStatus()) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpc(status));
  return reactor;
}

absl::Status NobodyThere(uint32_t slot) {
  return absl::NotFoundError(absl::StrCat("there is no peer in slot ", slot, "."));
}

// Passes it on to whoever does it.
void PassOn(const v1::EvictRequest& request, AdminActions& actions, AdminActions::EvictDone done) {
  switch (request.member_case()) {
    case v1::EvictRequest::kPeer:
      return actions.EvictPeer(request.peer().slot(), request.peer().incarnation(),
                               std::move(done));
    case v1::EvictRequest::kEndpoint:
      return actions.EvictEndpoint({request.endpoint().index(), request.endpoint().incarnation()},
                                   std::move(done));
    default:
      return done(absl::InvalidArgumentError("say who: a peer, or an endpoint of the host."));
  }
}

}  // namespace

grpc::ServerUnaryReactor* MembershipService::ListPeers(grpc::CallbackServerContext* context,
                                                       const v1::ListPeersRequest*,
                                                       v1::ListPeersResponse* response) {
  *response = ToListResponse(view_.Snapshot(), view_.Region().uuid);
  return Answered(context);
}

grpc::ServerUnaryReactor* MembershipService::DescribePeer(grpc::CallbackServerContext* context,
                                                          const v1::DescribePeerRequest* request,
                                                          v1::DescribePeerResponse* response) {
  const MembershipView::PeerAt found = view_.FindPeer(request->slot());
  if (!found.peer) return Answered(context, NobodyThere(request->slot()));
  response->set_revision(found.revision);
  *response->mutable_peer() = ToPeer(*found.peer);
  response->set_region_uuid(view_.Region().uuid);
  return Answered(context);
}

grpc::ServerWriteReactor<v1::WatchPeersResponse>* MembershipService::WatchPeers(
    grpc::CallbackServerContext*, const v1::WatchPeersRequest* request) {
  return hub_.Start<PeerFeed>(*request);
}

grpc::ServerUnaryReactor* MembershipService::GetRegion(grpc::CallbackServerContext* context,
                                                       const v1::GetRegionRequest*,
                                                       v1::GetRegionResponse* response) {
  *response->mutable_region() = ToRegion(view_.Region());
  return Answered(context);
}

grpc::ServerUnaryReactor* MembershipService::Evict(grpc::CallbackServerContext* context,
                                                   const v1::EvictRequest* request,
                                                   v1::EvictResponse* response) {
  if (absl::Status allowed = rights_.Check(); !allowed.ok()) return Answered(context, allowed);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  PassOn(*request, rights_.Actions(), [reactor, response](const absl::StatusOr<pid_t>& pid) {
    if (pid.ok()) response->set_pid(*pid);
    reactor->Finish(ToGrpc(pid.status()));
  });
  return reactor;
}

}  // namespace tombolo::control
