// ControlChannel: the gRPC channel to a tombolod and what its failures mean, for the clients of
// each service. Thread safety: each function may be called from any thread.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "control/client/remote_daemon.h"

namespace tombolo::control {

class ControlChannel {
 public:
  // timeout: of each call that Ask() makes.
  ControlChannel(std::string socket_path, std::chrono::milliseconds timeout);
  ControlChannel(RemoteDaemon daemon, std::chrono::milliseconds timeout);

  // Not good: nothing can be asked, because the files of a remote daemon are not as they should be
  // (ReadTlsFiles). Ask() looks at it.
  const absl::Status& Ready() const { return ready_; }

  const std::shared_ptr<grpc::Channel>& Channel() const { return channel_; }

  // Makes `call`. After a failed attempt gRPC refuses for a second to try again, also when the
  // daemon has come up meanwhile: if somebody listens now, the call is made once more.
  absl::Status Ask(const std::function<grpc::Status(grpc::ClientContext& context)>& call) const;

  // A call's failure as a sentence for people (control_client.h).
  absl::Status Explain(const grpc::Status& status) const;

 private:
  using Call = std::function<grpc::Status(grpc::ClientContext& context)>;

  grpc::Status Attempt(const Call& call, bool wait_for_ready) const;
  bool SomebodyListens() const;
  absl::Status ExplainNobody(const std::string& grpc_words) const;

  std::string Place() const { return IsRemote() ? remote_.address : "unix:" + path_; }
  bool IsRemote() const { return !remote_.address.empty(); }
  std::shared_ptr<grpc::Channel> MakeSecureChannel();

  const std::string path_;     // Of a local daemon's socket.
  const RemoteDaemon remote_;  // Or else its address is not empty.
  const std::chrono::milliseconds timeout_;
  absl::Status ready_;
  const std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace tombolo::control
