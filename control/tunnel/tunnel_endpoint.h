// TunnelEndpoint: an agent as its peers see it: an endpoint that answers pings, forwards local
// sockets to services of other agents, accepts streams to services that are allowed here, and tells
// who asks what these are.
//
//   EventLoop loop;  TunnelEndpoint::Create(loop, options)  ->  Run() until Stop()
//
// All of it belongs to the thread that runs it, but for Stop(). An agent that is its own broker
// uses a TunnelThread (tunnel_thread.h), because attaching waits for the broker's answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/channel_loop/broker_watch.h"
#include "control/channel_loop/channel_loop.h"
#include "control/event_loop/event_loop.h"
#include "control/offers/offer_answers.h"
#include "control/tunnel/agent_name.h"
#include "control/tunnel/forwarder.h"
#include "control/tunnel/tunnel_rules.h"
#include "control/tunnel/tunnel_target.h"
#include "transport/endpoint/endpoint.h"
#include "transport/stream/receive_budget.h"

namespace tombolo::control {

struct TunnelOptions {
  std::string broker_socket;
  std::string name = kAgentName;
  std::vector<ForwardRule> forwards;     // From here to agents.
  std::vector<AllowRule> allowed;        // From elsewhere to here.
  std::vector<std::string> offers = {};  // What is told of that (control/offers).
  StreamLimits limits;
};

class TunnelEndpoint {
 public:
  // Attaches through `options.broker_socket` (waits for its answer) and listens. Errors are those
  // of Endpoint::Attach and of listening. Raises this process's soft limit of descriptors to the
  // hard one. `loop` must outlive it.
  static absl::StatusOr<std::unique_ptr<TunnelEndpoint>> Create(EventLoop& loop,
                                                                const TunnelOptions& options);

  // The same with an endpoint that is there already.
  static absl::StatusOr<std::unique_ptr<TunnelEndpoint>> CreateWith(
      EventLoop& loop, std::unique_ptr<Endpoint> endpoint, const TunnelOptions& options);

  // Ends all connections.
  ~TunnelEndpoint();
  TunnelEndpoint(const TunnelEndpoint&) = delete;
  TunnelEndpoint& operator=(const TunnelEndpoint&) = delete;

  // Until Stop(): OK. Until the broker is gone: Unavailable.
  absl::Status Run();

  // Any thread; not lost when it comes before Run().
  void Stop() { channel_loop_->Stop(); }

  const Endpoint& Attached() const { return *endpoint_; }
  ChannelLoop& Loop() { return *channel_loop_; }

  // The TCP port of the forward with that index in TunnelOptions.
  uint16_t ForwardPort(size_t index) const { return forwarders_[index]->Port(); }

  // Both as near and as far end.
  size_t ConnectionCount() const;

 private:
  TunnelEndpoint(EventLoop& loop, std::unique_ptr<Endpoint> endpoint, const TunnelOptions& options);

  absl::Status Begin(EventLoop& loop, const TunnelOptions& options);
  std::optional<EndpointId> FindAgent(uint16_t slot) const;

  std::unique_ptr<Endpoint> endpoint_;
  std::vector<std::byte> scratch_;
  TunnelContext context_;
  TunnelTarget target_;
  std::unique_ptr<ChannelLoop> channel_loop_;
  std::vector<std::unique_ptr<Forwarder>> forwarders_;
  std::unique_ptr<BrokerWatch> broker_watch_;
  std::unique_ptr<OfferAnswers> offers_;
};

}  // namespace tombolo::control
