// ServicesService: the call of services.proto, answered from a MembershipView in a gRPC thread.
#pragma once

#include "control/proto/convert.h"
#include "control/proto/services.grpc.pb.h"
#include "control/service/membership_view.h"

namespace tombolo::control {

class ServicesService : public v1::Services::CallbackService {
 public:
  // `view` must outlive it.
  explicit ServicesService(const MembershipView& view) : view_(view) {}

  grpc::ServerUnaryReactor* ListServices(grpc::CallbackServerContext* context,
                                         const v1::ListServicesRequest*,
                                         v1::ListServicesResponse* response) override {
    *response = ToListResponse(view_.Services());
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const MembershipView& view_;
};

}  // namespace tombolo::control
