#include "control/service/membership_service.h"

#include "control/proto/convert.h"
#include "control/service/watch_stream.h"

namespace tombolo::control {
namespace {

grpc::ServerUnaryReactor* Answered(grpc::CallbackServerContext* context) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

}  // namespace

grpc::ServerUnaryReactor* MembershipService::ListPeers(grpc::CallbackServerContext* context,
                                                       const v1::ListPeersRequest*,
                                                       v1::ListPeersResponse* response) {
  *response = ToListResponse(view_.Snapshot(), view_.Region().uuid);
  return Answered(context);
}

grpc::ServerWriteReactor<v1::WatchPeersResponse>* MembershipService::WatchPeers(
    grpc::CallbackServerContext*, const v1::WatchPeersRequest* request) {
  const WatchHub::NewStream made = hub_.Make();
  if (made.admitted.ok()) {
    made.stream->Begin(*request);
  } else {
    made.stream->End(made.admitted);
  }
  return made.stream;
}

grpc::ServerUnaryReactor* MembershipService::GetRegion(grpc::CallbackServerContext* context,
                                                       const v1::GetRegionRequest*,
                                                       v1::GetRegionResponse* response) {
  *response->mutable_region() = ToRegion(view_.Region());
  return Answered(context);
}

}  // namespace tombolo::control
