// A gRPC client as anybody could write it from membership.proto alone.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>

#include "control/proto/membership.grpc.pb.h"

namespace tombolo::control {

// Longer than anything here takes, so that a hang is a failure.
inline constexpr std::chrono::seconds kTestDeadline(10);

inline std::shared_ptr<grpc::Channel> ChannelTo(const std::string& socket_path) {
  grpc::ChannelArguments own;
  own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // One connection per channel.
  return grpc::CreateCustomChannel("unix:" + socket_path, grpc::InsecureChannelCredentials(), own);
}

inline void SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + kTestDeadline);
}

// One running WatchPeers call.
class WatchClient {
 public:
  WatchClient(const std::string& socket_path, uint64_t resume_after, std::string uuid = "")
      : stub_(v1::Membership::NewStub(ChannelTo(socket_path))) {
    SetDeadline(context_);
    v1::WatchPeersRequest request;
    request.set_resume_after_revision(resume_after);
    request.set_region_uuid(std::move(uuid));
    reader_ = stub_->WatchPeers(&context_, request);
  }

  ~WatchClient() { context_.TryCancel(); }

  // The next message; an empty one when the stream has ended.
  v1::WatchPeersResponse Next() {
    v1::WatchPeersResponse response;
    if (!reader_->Read(&response)) response.Clear();
    return response;
  }

  // Why the stream ended; only when Next() found its end.
  grpc::Status Finish() { return reader_->Finish(); }

 private:
  std::unique_ptr<v1::Membership::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchPeersResponse>> reader_;
};

}  // namespace tombolo::control
