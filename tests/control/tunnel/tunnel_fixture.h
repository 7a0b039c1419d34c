// Two agents in one process, each in a thread of its own, over a simulated region: sockets on the
// near side are carried to targets on the far side.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "control/event_loop/event_loop.h"
#include "control/tunnel/tunnel_endpoint.h"
#include "tests/transport/channel/simulated_members.h"

namespace tombolo::control {

// A TunnelEndpoint that runs in a thread.
class RunningTunnel {
 public:
  RunningTunnel(SimulatedMembers& members, const TunnelOptions& options)
      : tunnel_(TunnelEndpoint::CreateWith(*loop_, members.Join(options.name), options).value()),
        thread_([this] { end_ = tunnel_->Run(); }) {}
  ~RunningTunnel() { Stop(); }

  // Ends the thread; after that the tunnel may be looked at.
  void Stop() {
    if (!thread_.joinable()) return;
    tunnel_->Stop();
    thread_.join();
  }

  // Stops without a word to its peers, as a killed process would.
  EndpointId StopSilently() {
    Stop();
    return tunnel_->Attached().Id();
  }

  // How many connections there are now.
  size_t Count() {
    std::promise<size_t> count;
    loop_->Post([&] { count.set_value(tunnel_->ConnectionCount()); });
    return count.get_future().get();
  }

  TunnelEndpoint& operator*() { return *tunnel_; }
  TunnelEndpoint* operator->() { return tunnel_.get(); }

 private:
  std::unique_ptr<EventLoop> loop_ = EventLoop::Create().value();
  std::unique_ptr<TunnelEndpoint> tunnel_;
  absl::Status end_;
  std::thread thread_;
};

inline TunnelOptions FarOptions(const std::vector<std::string>& allowed,
                                const StreamLimits& limits = {}) {
  TunnelOptions options{.broker_socket = "", .forwards = {}, .allowed = {}, .limits = limits};
  for (const std::string& rule : allowed) options.allowed.push_back(ParseAllowRule(rule).value());
  return options;
}

inline TunnelOptions NearOptions(const std::vector<std::string>& forwards,
                                 const StreamLimits& limits = {}) {
  TunnelOptions options{
      .broker_socket = "", .name = "near", .forwards = {}, .allowed = {}, .limits = limits};
  for (const std::string& rule : forwards) {
    options.forwards.push_back(ParseForwardRule(rule).value());
  }
  return options;
}

}  // namespace tombolo::control
