#include "control/agent/agent_endpoint.h"

#include <utility>

#include "absl/status/status.h"

namespace tombolo::control {

absl::StatusOr<std::unique_ptr<AgentEndpoint>> AgentEndpoint::Attach(
    const std::string& broker_socket) {
  std::unique_ptr<AgentEndpoint> made(new AgentEndpoint());
  auto loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  made->loop_ = *std::move(loop);
  auto endpoint = Endpoint::Attach(broker_socket, kAgentName);
  if (!endpoint.ok()) return endpoint.status();
  made->endpoint_ = *std::move(endpoint);
  auto channel_loop = ChannelLoop::Create(*made->loop_, *made->endpoint_, nullptr);
  if (!channel_loop.ok()) return channel_loop.status();
  made->channel_loop_ = *std::move(channel_loop);
  // A broker has nothing to say unasked: readable means that it is gone.
  auto watch =
      made->loop_->WatchReadable(made->endpoint_->BrokerFd(), [raw = made.get()] { raw->Stop(); });
  if (!watch.ok()) return watch.status();
  made->broker_watch_ = *std::move(watch);
  return made;
}

}  // namespace tombolo::control
