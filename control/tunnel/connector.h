// Connector: connects to a local address without blocking, and gives up after a while. Not
// thread-safe.
#pragma once

#include <functional>

#include "absl/status/statusor.h"
#include "control/event_loop/event_loop.h"
#include "control/tunnel/socket_address.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

class Connector {
 public:
  // Called once, never from within Start(); it may drop the connector.
  using Done = std::function<void(absl::StatusOr<UniqueFd> socket)>;

  // `loop` and `target` must outlive it.
  Connector(EventLoop& loop, const SocketAddress& target, Done done);

  // An error comes at once; otherwise Done will be called.
  absl::Status Start();

 private:
  void TryAgain();
  absl::Status Begin();
  void OnWritable();
  void Fail(const absl::Status& why);

  EventLoop& loop_;
  const SocketAddress& target_;
  Done done_;
  UniqueFd socket_;
  Watch writable_watch_;
  Watch retry_timer_;
  Watch deadline_timer_;
};

}  // namespace tombolo::control
