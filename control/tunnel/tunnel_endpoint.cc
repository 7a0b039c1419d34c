#include "control/tunnel/tunnel_endpoint.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <utility>

#include "transport/endpoint/membership_view.h"

namespace tombolo::control {
namespace {

// Thousands of connections are more than the usual soft limit of 1,024, which exists for programs
// that use select().
void RaiseDescriptorLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TunnelEndpoint>> TunnelEndpoint::Create(
    EventLoop& loop, const TunnelOptions& options) {
  absl::StatusOr<std::unique_ptr<Endpoint>> endpoint =
      Endpoint::Attach(options.broker_socket, options.name);
  if (!endpoint.ok()) return endpoint.status();
  return CreateWith(loop, *std::move(endpoint), options);
}

absl::StatusOr<std::unique_ptr<TunnelEndpoint>> TunnelEndpoint::CreateWith(
    EventLoop& loop, std::unique_ptr<Endpoint> endpoint, const TunnelOptions& options) {
  RaiseDescriptorLimit();
  std::unique_ptr<TunnelEndpoint> made(new TunnelEndpoint(loop, std::move(endpoint), options));
  if (absl::Status status = made->Begin(loop, options); !status.ok()) return status;
  return made;
}

TunnelEndpoint::TunnelEndpoint(EventLoop& loop, std::unique_ptr<Endpoint> endpoint,
                               const TunnelOptions& options)
    : endpoint_(std::move(endpoint)),
      scratch_(StreamCore::kMaxWriteBytes),
      context_{.loop = loop, .scratch = scratch_},
      target_(context_, options.allowed) {}

TunnelEndpoint::~TunnelEndpoint() {
  // Streams go before their mux, which is the channel loop's.
  forwarders_.clear();
  target_.Clear();
}

absl::Status TunnelEndpoint::Begin(EventLoop& loop, const TunnelOptions& options) {
  absl::StatusOr<std::unique_ptr<ChannelLoop>> channel_loop =
      ChannelLoop::Create(loop, *endpoint_, &target_, options.limits);
  if (!channel_loop.ok()) return channel_loop.status();
  channel_loop_ = *std::move(channel_loop);
  for (const ForwardRule& rule : options.forwards) {
    absl::StatusOr<std::unique_ptr<Forwarder>> forwarder =
        Forwarder::Create(context_, channel_loop_->Streams(), rule,
                          [this, slot = rule.slot] { return FindAgent(slot); });
    if (!forwarder.ok()) return forwarder.status();
    forwarders_.push_back(*std::move(forwarder));
  }
  if (endpoint_->BrokerFd() < 0) return absl::OkStatus();
  absl::StatusOr<Watch> watch =
      loop.WatchReadable(endpoint_->BrokerFd(), [this] { LookAtBroker(); });
  if (!watch.ok()) return watch.status();
  broker_watch_ = *std::move(watch);
  return absl::OkStatus();
}

std::optional<EndpointId> TunnelEndpoint::FindAgent(uint16_t slot) const {
  const auto agent = FindEndpoint(endpoint_->SharedRegion(), slot, kAgentName);
  return agent ? std::optional(agent->id) : std::nullopt;
}

void TunnelEndpoint::LookAtBroker() {
  char byte;
  // Questions are asked and answered within this thread. What comes in between is an answer that
  // the successor of a killed broker gave once more, and nobody's business.
  const ssize_t bytes = recv(endpoint_->BrokerFd(), &byte, sizeof(byte), MSG_DONTWAIT);
  if (bytes > 0 || (bytes < 0 && (errno == EAGAIN || errno == EINTR))) return;
  broker_watch_.Reset();
  broker_is_gone_ = true;
  Stop();
}

absl::Status TunnelEndpoint::Run() {
  channel_loop_->Run();
  if (!broker_is_gone_) return absl::OkStatus();
  return absl::UnavailableError(
      "the broker that this endpoint was attached to is gone, and the endpoint with it.");
}

size_t TunnelEndpoint::ConnectionCount() const {
  size_t count = target_.ConnectionCount();
  for (const auto& forwarder : forwarders_) count += forwarder->ConnectionCount();
  return count;
}

}  // namespace tombolo::control
