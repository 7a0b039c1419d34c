// ServiceStub: the calls of one service of a tombolod, over a channel of its own. Thread safety: as
// ControlChannel.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/client/control_channel.h"

namespace tombolo::control {

// `Service`: a class that protoc made.
template <typename Service>
class ServiceStub {
 public:
  ServiceStub(std::string path, std::chrono::milliseconds timeout)
      : channel_(std::move(path), timeout), stub_(Service::NewStub(channel_.Channel())) {}

  // Makes the call `method` of the stub.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Ask(grpc::Status (Service::Stub::*method)(grpc::ClientContext*,
                                                                     const Request&, Response*),
                               const Request& request) {
    Response response;
    const absl::Status status = channel_.Ask([&](grpc::ClientContext& context) {
      return (*stub_.*method)(&context, request, &response);
    });
    if (!status.ok()) return status;
    return response;
  }

 private:
  const ControlChannel channel_;
  const std::unique_ptr<typename Service::Stub> stub_;
};

}  // namespace tombolo::control
