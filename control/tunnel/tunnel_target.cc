#include "control/tunnel/tunnel_target.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/tunnel/connector.h"
#include "control/tunnel/pump.h"
#include "spdlog/spdlog.h"

namespace tombolo::control {

// One stream: first while its target is being connected, then with a pump.
class TunnelTarget::Connection final : private StreamHandler {
 public:
  Connection(const TunnelContext& context, const SocketAddress& target,
             std::unique_ptr<Stream> stream)
      : context_(context),
        stream_(std::move(stream)),
        connector_(context.loop, target,
                   [this](absl::StatusOr<UniqueFd> socket) { OnConnected(std::move(socket)); }) {}

  // `done` may drop it, but is not called before this returns.
  absl::Status Start(Pump::Done done) {
    done_ = std::move(done);
    stream_->SetHandler(this);
    return connector_.Start();
  }

  // Gives the stream back, for a refusal.
  std::unique_ptr<Stream> TakeStream() { return std::move(stream_); }

 private:
  // What comes meanwhile waits in the stream.
  void OnReadable() override {}
  void OnWritable() override {}
  void OnReset(const absl::Status& why) override { End(why); }

  void OnConnected(absl::StatusOr<UniqueFd> socket) {
    if (!socket.ok()) {
      stream_->Reset(socket.status());
      return End(socket.status());
    }
    pump_.emplace(context_.loop, context_.scratch, *std::move(socket), std::move(stream_));
    pump_->Start(std::move(done_));
  }

  void End(const absl::Status& why) {
    const Pump::Done done = std::move(done_);
    done(why);
  }

  const TunnelContext context_;
  std::unique_ptr<Stream> stream_;
  Pump::Done done_;
  Connector connector_;
  std::optional<Pump> pump_;
};

namespace {

// Says which rule is missing.
absl::Status NotAllowed(std::string_view asked) {
  const absl::string_view text(asked.data(), asked.size());
  const std::string rule = SocketAddress::Parse(asked).ok() ? absl::StrCat("NAME=", text)
                                                            : absl::StrCat(text, "=ADDRESS");
  return absl::PermissionDeniedError(absl::StrCat(
      "'", text, "' is not allowed here; start this slot's tombolo-agent with --allow ", rule));
}

}  // namespace

TunnelTarget::TunnelTarget(const TunnelContext& context, const std::vector<AllowRule>& rules)
    : context_(context) {
  for (const AllowRule& rule : rules) targets_.insert_or_assign(rule.service, rule.target);
}

TunnelTarget::~TunnelTarget() = default;

size_t TunnelTarget::ConnectionCount() const { return connections_.size(); }

void TunnelTarget::Clear() { connections_.clear(); }

TunnelTarget::Rules::const_iterator TunnelTarget::FindRule(std::string_view asked) const {
  if (const auto rule = targets_.find(asked); rule != targets_.end()) return rule;
  const absl::StatusOr<SocketAddress> address = SocketAddress::Parse(asked);
  if (!address.ok()) return targets_.end();
  return std::ranges::find_if(targets_, [&](const auto& rule) { return rule.second == *address; });
}

absl::Status TunnelTarget::OnConnect(EndpointId, std::string_view service,
                                     std::unique_ptr<Stream>& stream) {
  const auto target = FindRule(service);
  if (target == targets_.end()) return NotAllowed(service);
  const auto place =
      connections_.emplace(connections_.end(), context_, target->second, std::move(stream));
  const absl::Status status =
      place->Start([this, place, name = target->first](const absl::Status& why) {
        connections_.erase(place);
        Tell(name, why);
      });
  if (!status.ok()) {
    stream = place->TakeStream();
    connections_.erase(place);
    Tell(target->first, status);
  }
  return status;
}

void TunnelTarget::Tell(const std::string& service, const absl::Status& why) {
  if (absl::IsAborted(why)) return;  // Somebody hung up.
  // A target that is down meets many streams: one line for each change of the reason.
  absl::StatusCode& told = last_told_[service];
  if (why.code() == told) return;
  told = why.code();
  if (why.ok()) return;
  spdlog::warn("service {}: a connection ended early: {}.", service, why.ToString());
}

}  // namespace tombolo::control
