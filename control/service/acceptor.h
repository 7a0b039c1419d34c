// Acceptor: accepts connections on listening sockets, in a thread of its own, and hands them on.
//
// It exists because gRPC's own listener (1.51) stops for ever when accept() fails once, as it does
// when the process has no descriptor left: anybody who may connect could end the control plane by
// connecting often. Here a listener has limits of open connections, above which new ones are closed
// at once, and after a failure it rests for a moment and goes on. A listener of our own can also be
// handed to a successor.
//
// Thread safety: Start and the destructor in one thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "control/service/live_sockets.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

class Acceptor {
 public:
  struct Listener {
    UniqueFd fd;  // Listening and non-blocking.
    LiveSockets::Limits limits;
    std::function<void(int)> adopt;  // Takes ownership of a connection; called in our thread.
  };

  static absl::StatusOr<std::unique_ptr<Acceptor>> Start(std::vector<Listener> listeners);

  // Stops accepting. Connections that were handed on live on.
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

 private:
  struct Served {
    Listener listener;
    LiveSockets connections;
  };

  Acceptor(std::vector<Listener> listeners, UniqueFd stop);

  void Run();
  static bool AcceptOne(Served& served);

  std::vector<Served> served_;
  UniqueFd stop_;  // An eventfd, readable when the thread shall end.
  std::thread thread_;
};

}  // namespace tombolo::control
