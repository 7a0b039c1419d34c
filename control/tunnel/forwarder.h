// Forwarder: the near end of a tunnel. It listens at a local address and carries each connection
// over a stream of its own to a service at an agent, which is looked up anew every time: one that
// went away and came back is found again. Without one, the connection is reset.
//
// Not thread-safe: all of it belongs to the thread of its loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/tunnel/listener.h"
#include "control/tunnel/pump.h"
#include "control/tunnel/tunnel_context.h"
#include "control/tunnel/tunnel_rules.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/stream/stream_mux.h"

namespace tombolo::control {

class Forwarder {
 public:
  // Where streams go now; nothing when nobody is there.
  using FindPeer = std::function<std::optional<EndpointId>()>;

  // `streams` and what `context` names must outlive it. Errors are those of listening.
  static absl::StatusOr<std::unique_ptr<Forwarder>> Create(const TunnelContext& context,
                                                           StreamMux& streams,
                                                           const ForwardRule& rule,
                                                           FindPeer find_peer);

  uint16_t Port() const { return listener_->Port(); }
  size_t ConnectionCount() const { return pumps_.size(); }

 private:
  Forwarder(const TunnelContext& context, StreamMux& streams, const ForwardRule& rule,
            FindPeer find_peer);

  void OnConnection(UniqueFd socket);
  absl::StatusOr<std::unique_ptr<Stream>> Connect();
  void Tell(const absl::Status& why);

  const TunnelContext context_;
  StreamMux& streams_;
  const ForwardRule rule_;
  const FindPeer find_peer_;
  absl::StatusCode last_told_ = absl::StatusCode::kOk;
  std::list<Pump> pumps_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace tombolo::control
