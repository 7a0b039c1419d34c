// What a tunnel may do, as it is written on a command line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "control/tunnel/socket_address.h"

namespace tombolo::control {

// The slot of the agent that a tunnel leads to unless another one is named: the host's.
inline constexpr uint16_t kHostAgentSlot = 0;

// The near end: connections to `listen` go to `service` of the agent in `slot`.
struct ForwardRule {
  SocketAddress listen;
  std::string service;  // Or the address of one.
  uint16_t slot = kHostAgentSlot;
  unsigned unix_mode = 0660;  // Permissions of a Unix socket.
};

// The far end: streams to `service` are connected to `target`. What has no rule is refused.
struct AllowRule {
  std::string service;
  SocketAddress target;
};

// LISTEN=SERVICE, as in 127.0.0.1:11211=memcached. InvalidArgument says what is wrong.
absl::StatusOr<ForwardRule> ParseForwardRule(std::string_view text);

// LISTEN, and SLOT:SERVICE or SLOT:ADDRESS, as in 1:memcached or 1:127.0.0.1:11211.
absl::StatusOr<ForwardRule> ParseForwardRule(std::string_view listen, std::string_view to);

// SERVICE=TARGET, as in memcached=127.0.0.1:11211.
absl::StatusOr<AllowRule> ParseAllowRule(std::string_view text);

}  // namespace tombolo::control
