// RegionsService: the calls of regions.proto. Those who may make them are passed on to the daemon
// (RegionActions), where its regions are administered at this socket; everybody else is refused.
//
// What the rights name must outlive it, and the server that it is registered with must be shut down
// before it is destroyed.
#pragma once

#include <utility>

#include "control/proto/regions.grpc.pb.h"
#include "control/service/caller_rights.h"
#include "control/service/region_actions.h"

namespace tombolo::control {

class RegionsService : public v1::Regions::CallbackService {
 public:
  explicit RegionsService(CallerRights rights) : rights_(std::move(rights)) {}

  grpc::ServerUnaryReactor* ListRegions(grpc::CallbackServerContext* context,
                                        const v1::ListRegionsRequest* request,
                                        v1::ListRegionsResponse* response) override;
  grpc::ServerUnaryReactor* DescribeRegion(grpc::CallbackServerContext* context,
                                           const v1::DescribeRegionRequest* request,
                                           v1::DescribeRegionResponse* response) override;
  grpc::ServerUnaryReactor* CreateRegion(grpc::CallbackServerContext* context,
                                         const v1::CreateRegionRequest* request,
                                         v1::CreateRegionResponse* response) override;
  grpc::ServerUnaryReactor* ResizeRegion(grpc::CallbackServerContext* context,
                                         const v1::ResizeRegionRequest* request,
                                         v1::ResizeRegionResponse* response) override;
  grpc::ServerUnaryReactor* DeleteRegion(grpc::CallbackServerContext* context,
                                         const v1::DeleteRegionRequest* request,
                                         v1::DeleteRegionResponse* response) override;

 private:
  // Null: the call has ended, because the caller may not, or not here.
  RegionActions* Admit(grpc::ServerUnaryReactor* reactor) const;

  const CallerRights rights_;
};

}  // namespace tombolo::control
