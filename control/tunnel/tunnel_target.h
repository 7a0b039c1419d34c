// TunnelTarget: the far end of tunnels. It accepts streams to the services that its rules name and
// connects each to its local target; everything else is refused. The address of a rule's target
// names the rule as well.
//
// Who asks is not looked at: all endpoints of a region count as one principal. Not thread-safe: all
// of it belongs to the thread of its loop.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "control/tunnel/socket_address.h"
#include "control/tunnel/tunnel_context.h"
#include "control/tunnel/tunnel_rules.h"
#include "transport/stream/stream_mux.h"

namespace tombolo::control {

class TunnelTarget final : public StreamAcceptor {
 public:
  // What `context` names must outlive it, and it must be dropped before the mux whose streams it
  // accepts. Of two rules for one service the later one counts.
  TunnelTarget(const TunnelContext& context, const std::vector<AllowRule>& rules);
  ~TunnelTarget() override;

  // PermissionDenied without a rule.
  absl::Status OnConnect(EndpointId peer, std::string_view service,
                         std::unique_ptr<Stream>& stream) override;

  size_t ConnectionCount() const;

  // Ends all connections.
  void Clear();

 private:
  class Connection;

  using Rules = std::map<std::string, SocketAddress, std::less<>>;

  Rules::const_iterator FindRule(std::string_view asked) const;
  void Tell(const std::string& service, const absl::Status& why);

  const TunnelContext context_;
  Rules targets_;
  std::map<std::string, absl::StatusCode> last_told_;  // By service.
  std::list<Connection> connections_;
};

}  // namespace tombolo::control
