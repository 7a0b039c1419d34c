// ControlServer: the gRPC API of the daemon, on Unix sockets, and over TCP with mutual TLS.
//
// Serves the services of control/proto with grpc.health.v1.Health and server reflection. There is a
// server (audience_server.h) for administrators, one for other operators, one for guests and one
// for other machines, each with its own limits, so that guests who call without end take nothing
// from operators. Which of them serves a connection is decided when it is accepted: by the socket
// it came to, and on the operators' by who the kernel says has connected. This header knows no
// gRPC.
//
// It listens itself and gives the connections to gRPC, whose own listener takes a socket from a
// living server, cannot set its mode, and never recovers from a failed accept(). A socket that
// another process serves is refused; one that nobody serves is replaced. Socket files have mode
// 0660 and are removed at shutdown.
//
// Thread safety: Start, Shutdown and the destructor in one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/service/admin_actions.h"
#include "control/service/administrators.h"
#include "control/service/ask_cluster.h"
#include "control/service/membership_view.h"
#include "control/tls/tls_files.h"
#include "control/tunnel/socket_address.h"

namespace tombolo::control {

enum class Audience {
  kOperators,  // Those of them who are administrators may change something.
  kGuests,     // All guests of the region count as one: they may read.
};

struct ControlSocket {
  std::string path;
  Audience audience = Audience::kOperators;
};

struct ControlServerOptions {
  std::vector<ControlSocket> sockets;
  Administrators administrators = Administrators::OfThisProcess();
  // What everybody but guests is told of other hosts; unset: that there is no cluster. What it
  // names must outlive the server.
  AskCluster ask_cluster = nullptr;
};

class ControlServer {
 public:
  // Open at once, of each audience; further ones are closed when they connect.
  static constexpr size_t kMaxConnections = 256;

  // Answers at every socket when it returns. `view` and `actions` must outlive the server. Errors:
  // AlreadyExists when another process serves a socket or its path is something else,
  // InvalidArgument when a path is too long, Internal when gRPC does not start.
  static absl::StatusOr<std::unique_ptr<ControlServer>> Start(MembershipView& view,
                                                              AdminActions& actions,
                                                              const ControlServerOptions& options);

  // Answers also at the TCP address `address`, whoever shows a certificate that is signed by whom
  // `tls` names: reading only. Not to be called again once it was good. Errors: AlreadyExists when
  // another program listens there, else what the system says, Internal when gRPC does not start.
  absl::Status ServeTls(const SocketAddress& address, const TlsMaterial& tls);

  // After ServeTls(): takes other certificates; who is connected there is cut off, and may connect
  // again (remote_audience.h). Internal when gRPC does not start: then nothing has changed.
  absl::Status RenewTls(const TlsMaterial& tls);

  // Shutdown().
  ~ControlServer();

  // Ends the watchers, lets short calls finish (at most a second) and removes the socket files.
  // Whoever waits for the daemon to act is told that it stops (AdminActions::Stop).
  void Shutdown();

 private:
  class Impl;
  explicit ControlServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace tombolo::control
