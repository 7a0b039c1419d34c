#include "transport/channel/ping.h"

#include <string.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "transport/base/clock.h"
#include "transport/channel/channel.h"
#include "transport/channel/tags.h"
#include "transport/endpoint/membership_view.h"
#include "transport/layout/link.h"

namespace tombolo {
namespace {

constexpr int64_t kSpinNs = 50 * kNsPerUs;

class Pinger final : private ChannelHandler {
 public:
  Pinger(Channel& channel, EndpointId agent, const PingOptions& options)
      : channel_(channel), agent_(agent), options_(options) {}

  // One round trip; nothing when the answer did not come in time.
  absl::StatusOr<std::optional<int64_t>> Once() {
    ++sequence_;
    answered_ = false;
    const int64_t begin_ns = MonotonicNs();
    if (absl::Status status = Send(); !status.ok()) return status;
    while (!answered_ && !departed_) {
      const int64_t waited_ns = MonotonicNs() - begin_ns;
      if (waited_ns > options_.timeout_ns) return std::nullopt;
      if (waited_ns > kSpinNs) channel_.Sleep(options_.timeout_ns - waited_ns);
      channel_.Poll(*this);
    }
    if (!answered_) return absl::UnavailableError("the agent went away.");
    return MonotonicNs() - begin_ns;
  }

 private:
  absl::Status Send() {
    Claim claim;
    if (!channel_.TryClaim(agent_, options_.payload_bytes, claim)) {
      return absl::UnavailableError("the agent takes no messages: it is gone, or it is stopped.");
    }
    memset(claim.payload.data(), 0, options_.payload_bytes);
    memcpy(claim.payload.data(), &sequence_, sizeof(sequence_));
    channel_.Publish(claim, ToTag(AgentTag::kPing), options_.payload_bytes);
    return absl::OkStatus();
  }

  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override {
    uint64_t sequence;
    if (source != agent_ || tag != ToTag(AgentTag::kPong)) return;
    if (payload.size() != options_.payload_bytes) return;
    memcpy(&sequence, payload.data(), sizeof(sequence));
    if (sequence == sequence_) answered_ = true;
  }

  void OnDeparted(EndpointId peer) override { departed_ |= peer == agent_; }

  Channel& channel_;
  const EndpointId agent_;
  const PingOptions options_;
  uint64_t sequence_ = 0;
  bool answered_ = false;
  bool departed_ = false;
};

absl::Status Check(const PingOptions& options) {
  if (options.count != 0 && options.payload_bytes >= sizeof(uint64_t) &&
      options.payload_bytes <= kMaxInlineBytes) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(options.count, " pings of ", options.payload_bytes,
                                                 " bytes: at least 1 ping, of ", sizeof(uint64_t),
                                                 " to ", kMaxInlineBytes, " bytes."));
}

absl::Status NoAgent(uint16_t slot) {
  return absl::NotFoundError(
      absl::StrCat("slot ", slot, " has no agent; start tombolo-agent ",
                   slot == 0 ? "--host on the host." : "in that virtual machine."));
}

int64_t Sorted(std::vector<int64_t> values, size_t index) {
  std::ranges::nth_element(values, values.begin() + static_cast<ptrdiff_t>(index));
  return values[index];
}

}  // namespace

int64_t PingResult::MinNs() const { return std::ranges::min(round_trips_ns); }
int64_t PingResult::MedianNs() const { return Sorted(round_trips_ns, round_trips_ns.size() / 2); }
int64_t PingResult::MaxNs() const { return std::ranges::max(round_trips_ns); }

absl::StatusOr<PingResult> Ping(Endpoint& endpoint, const PingOptions& options) {
  if (absl::Status status = Check(options); !status.ok()) return status;
  const std::optional<EndpointInfo> agent =
      FindEndpoint(endpoint.SharedRegion(), options.slot, kAgentEndpointName);
  if (!agent) return NoAgent(options.slot);
  absl::StatusOr<std::unique_ptr<Channel>> channel = Channel::Create(endpoint);
  if (!channel.ok()) return channel.status();
  if (absl::Status status = (*channel)->Open(agent->id); !status.ok()) return status;
  Pinger pinger(**channel, agent->id, options);
  PingResult result{.agent = agent->id, .sent = 0, .round_trips_ns = {}};
  for (; result.sent < options.count; ++result.sent) {
    absl::StatusOr<std::optional<int64_t>> round_trip = pinger.Once();
    if (!round_trip.ok()) return round_trip.status();
    if (*round_trip) result.round_trips_ns.push_back(**round_trip);
  }
  if (!result.round_trips_ns.empty()) return result;
  return absl::DeadlineExceededError(absl::StrCat("the agent of slot ", options.slot,
                                                  " answered none of ", options.count,
                                                  " pings; is its virtual machine stopped?"));
}

absl::StatusOr<PingResult> Ping(const std::string& broker_socket, const PingOptions& options) {
  absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = Endpoint::Attach(broker_socket, "ping");
  if (!endpoint.ok()) return endpoint.status();
  absl::StatusOr<PingResult> result = Ping(**endpoint, options);
  // What it says does not matter any more: the process ends soon.
  (*endpoint)->Detach().IgnoreError();
  return result;
}

}  // namespace tombolo
