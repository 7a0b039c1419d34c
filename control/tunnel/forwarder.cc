#include "control/tunnel/forwarder.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "spdlog/spdlog.h"

namespace tombolo::control {

absl::StatusOr<std::unique_ptr<Forwarder>> Forwarder::Create(const TunnelContext& context,
                                                             StreamMux& streams,
                                                             const ForwardRule& rule,
                                                             FindPeer find_peer) {
  std::unique_ptr<Forwarder> made(new Forwarder(context, streams, rule, std::move(find_peer)));
  absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Create(
      context.loop, rule.listen, rule.unix_mode,
      [made = made.get()](UniqueFd socket) { made->OnConnection(std::move(socket)); });
  if (!listener.ok()) return listener.status();
  made->listener_ = *std::move(listener);
  return made;
}

Forwarder::Forwarder(const TunnelContext& context, StreamMux& streams, const ForwardRule& rule,
                     FindPeer find_peer)
    : context_(context), streams_(streams), rule_(rule), find_peer_(std::move(find_peer)) {}

absl::StatusOr<std::unique_ptr<Stream>> Forwarder::Connect() {
  const std::optional<EndpointId> peer = find_peer_();
  if (!peer) {
    return absl::NotFoundError(absl::StrCat("slot ", rule_.slot,
                                            " has no agent now; start tombolo-agent there (on the "
                                            "host, which is slot 0, with --host)"));
  }
  return streams_.Connect(*peer, rule_.service, nullptr);
}

void Forwarder::OnConnection(UniqueFd socket) {
  absl::StatusOr<std::unique_ptr<Stream>> stream = Connect();
  if (!stream.ok()) {
    ResetOnClose(socket.Get());
    return Tell(stream.status());
  }
  const auto place = pumps_.emplace(pumps_.end(), context_.loop, context_.scratch,
                                    std::move(socket), *std::move(stream));
  place->Start([this, place](const absl::Status& why) {
    pumps_.erase(place);
    Tell(why);
  });
}

void Forwarder::Tell(const absl::Status& why) {
  // A service that is down meets many connections: one line for each change of the reason, unless
  // everything is to be told. Who hangs up is no news.
  const bool is_news = !absl::IsAborted(why) && why.code() != std::exchange(last_told_, why.code());
  if (why.ok()) return;
  spdlog::log(is_news ? spdlog::level::warn : spdlog::level::debug,
              "{} -> slot {}: {}: a connection ended early: {}.", rule_.listen.ToString(),
              rule_.slot, rule_.service, why.ToString());
}

}  // namespace tombolo::control
