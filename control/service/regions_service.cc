#include "control/service/regions_service.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/proto/convert_regions.h"
#include "control/service/admin_actions.h"
#include "control/service/grpc_status.h"

namespace tombolo::control {
namespace {

// What ends a call whose answer is one region.
template <typename Response>
RegionActions::RegionDone Answer(grpc::ServerUnaryReactor* reactor, Response* response) {
  return [reactor, response](const absl::StatusOr<ServedRegion>& region) {
    if (region.ok()) *response->mutable_region() = ToServedRegion(*region);
    reactor->Finish(ToGrpc(region.status()));
  };
}

}  // namespace

RegionActions* RegionsService::Admit(grpc::ServerUnaryReactor* reactor) const {
  if (absl::Status allowed = rights_.Check(); !allowed.ok()) {
    reactor->Finish(ToGrpc(allowed));
    return nullptr;
  }
  RegionActions* regions = rights_.Actions().Regions();
  if (regions == nullptr) {
    reactor->Finish(
        {grpc::StatusCode::FAILED_PRECONDITION,
         "regions are administered at the control.sock of the first region, which is in "
         "the folder above this one's."});
  }
  return regions;
}

grpc::ServerUnaryReactor* RegionsService::ListRegions(grpc::CallbackServerContext* context,
                                                      const v1::ListRegionsRequest*,
                                                      v1::ListRegionsResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  RegionActions* actions = Admit(reactor);
  if (actions == nullptr) return reactor;
  actions->ListRegions([reactor, response](const auto& regions) {
    if (regions.ok()) {
      for (const ServedRegion& region : *regions) *response->add_regions() = ToServedRegion(region);
    }
    reactor->Finish(ToGrpc(regions.status()));
  });
  return reactor;
}

grpc::ServerUnaryReactor* RegionsService::DescribeRegion(grpc::CallbackServerContext* context,
                                                         const v1::DescribeRegionRequest* request,
                                                         v1::DescribeRegionResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (RegionActions* actions = Admit(reactor)) {
    actions->DescribeRegion(request->name(), Answer(reactor, response));
  }
  return reactor;
}

grpc::ServerUnaryReactor* RegionsService::CreateRegion(grpc::CallbackServerContext* context,
                                                       const v1::CreateRegionRequest* request,
                                                       v1::CreateRegionResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (RegionActions* actions = Admit(reactor)) {
    actions->CreateRegion(FromCreateRequest(*request), Answer(reactor, response));
  }
  return reactor;
}

grpc::ServerUnaryReactor* RegionsService::ResizeRegion(grpc::CallbackServerContext* context,
                                                       const v1::ResizeRegionRequest* request,
                                                       v1::ResizeRegionResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (RegionActions* actions = Admit(reactor)) {
    actions->ResizeRegion(request->name(), FromLimits(request->limits()),
                          Answer(reactor, response));
  }
  return reactor;
}

grpc::ServerUnaryReactor* RegionsService::DeleteRegion(grpc::CallbackServerContext* context,
                                                       const v1::DeleteRegionRequest* request,
                                                       v1::DeleteRegionResponse*) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (RegionActions* actions = Admit(reactor)) {
    actions->DeleteRegion(request->name(), [reactor](const absl::Status& deleted) {
      reactor->Finish(ToGrpc(deleted));
    });
  }
  return reactor;
}

}  // namespace tombolo::control
