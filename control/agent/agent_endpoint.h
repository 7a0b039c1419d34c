// AgentEndpoint: the agent's own endpoint in the region, named `agent`: it answers pings and
// carries tunnels. It attaches through a broker's socket as any process does, in a guest through
// the agent's own broker; so it needs a thread of its own there.
//
// Thread safety: Run() in one thread; Stop() from any.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "control/channel_loop/channel_loop.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "transport/endpoint/endpoint.h"

namespace tombolo::control {

inline constexpr char kAgentName[] = "agent";

class AgentEndpoint {
 public:
  // Attaches; blocks until the broker has answered. Errors as Endpoint::Attach.
  static absl::StatusOr<std::unique_ptr<AgentEndpoint>> Attach(const std::string& broker_socket);

  // Serves until Stop() or until the broker is gone.
  void Run() { channel_loop_->Run(); }
  void Stop() { channel_loop_->Stop(); }

  // For watches of the thread that runs it.
  EventLoop& Loop() { return *loop_; }

 private:
  AgentEndpoint() = default;

  // In this order, so that each outlives what uses it.
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<ChannelLoop> channel_loop_;
  Watch broker_watch_;
};

}  // namespace tombolo::control
