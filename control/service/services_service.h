// ServicesService: the calls of services.proto, answered from a MembershipView in a gRPC thread.
#pragma once

#include "control/proto/convert.h"
#include "control/proto/services.grpc.pb.h"
#include "control/service/membership_view.h"
#include "control/service/watch_feeds.h"
#include "control/service/watch_hub.h"

namespace tombolo::control {

class ServicesService : public v1::Services::CallbackService {
 public:
  // Both must outlive it.
  ServicesService(const MembershipView& view, WatchHub& hub) : view_(view), hub_(hub) {}

  grpc::ServerUnaryReactor* ListServices(grpc::CallbackServerContext* context,
                                         const v1::ListServicesRequest*,
                                         v1::ListServicesResponse* response) override {
    *response = ToListResponse(view_.Services());
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  grpc::ServerWriteReactor<v1::WatchServicesResponse>* WatchServices(
      grpc::CallbackServerContext*, const v1::WatchServicesRequest* request) override {
    return hub_.Start<ServiceFeed>(*request);
  }

 private:
  const MembershipView& view_;
  WatchHub& hub_;
};

}  // namespace tombolo::control
