#include "control/tunnel/tunnel_endpoint.h"

#include <sys/resource.h>

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
  offers_ = std::make_unique<OfferAnswers>(channel_loop_->Messages(), options.offers);
  channel_loop_->SetUser(*offers_);
  for (const ForwardRule& rule : options.forwards) {
    absl::StatusOr<std::unique_ptr<Forwarder>> forwarder =
        Forwarder::Create(context_, channel_loop_->Streams(), rule,
                          [this, slot = rule.slot] { return FindAgent(slot); });
    if (!forwarder.ok()) return forwarder.status();
    forwarders_.push_back(*std::move(forwarder));
  }
  absl::StatusOr<std::unique_ptr<BrokerWatch>> broker =
      BrokerWatch::Create(loop, *endpoint_, *channel_loop_);
  if (!broker.ok()) return broker.status();
  broker_watch_ = *std::move(broker);
  return absl::OkStatus();
}

std::optional<EndpointId> TunnelEndpoint::FindAgent(uint16_t slot) const {
  const auto agent = FindEndpoint(endpoint_->SharedRegion(), slot, kAgentName);
  return agent ? std::optional(agent->id) : std::nullopt;
}

absl::Status TunnelEndpoint::Run() {
  channel_loop_->Run();
  return broker_watch_->Verdict();
}

size_t TunnelEndpoint::ConnectionCount() const {
  size_t count = target_.ConnectionCount();
  for (const auto& forwarder : forwarders_) count += forwarder->ConnectionCount();
  return count;
}

}  // namespace tombolo::control
