// Which tunnels an agent keeps, from its command line.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "control/tunnel/tunnel_endpoint.h"

namespace tombolo::control {

// The daemon's gRPC, as guests reach it.
inline constexpr char kControlService[] = "control";

// In a guest: RUNTIME_DIR/control.sock to the daemon's gRPC, and what `forwards` (LISTEN=SERVICE)
// and `allowed` (SERVICE=TARGET) say. InvalidArgument says what is wrong with one.
absl::StatusOr<TunnelOptions> GuestTunnels(const std::string& runtime_dir,
                                           const std::vector<std::string>& forwards,
                                           const std::vector<std::string>& allowed);

// On the host: the daemon's socket for guests, RUNTIME_DIR/guest.sock, and what `allowed` says.
absl::StatusOr<TunnelOptions> HostTunnels(const std::string& runtime_dir,
                                          const std::vector<std::string>& allowed);

}  // namespace tombolo::control
