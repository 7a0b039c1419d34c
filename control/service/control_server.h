// ControlServer: the gRPC server of the daemon, on Unix sockets.
//
// Serves tombolo.control.v1.Membership with grpc.health.v1.Health and server reflection. Operators
// and guests get a server each, with their own limits, so that guests who call without end take
// nothing from operators. This header knows no gRPC.
//
// A socket that another process serves is refused; one that nobody serves is replaced (gRPC alone
// would take it from a living server). Socket files have mode 0660 and are removed at shutdown.
//
// Thread safety: Start, Shutdown and the destructor in one thread. Start sets the process's umask
// for a moment, so no other thread should make files meanwhile.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/service/membership_view.h"

namespace tombolo::control {

enum class Audience {
  kOperators,
  kGuests,  // All guests of the region count as one: they may list, watch and describe.
};

struct ControlSocket {
  std::string path;
  Audience audience = Audience::kOperators;
};

class ControlServer {
 public:
  // Answers at every socket when it returns. `view` must outlive the server. Errors: AlreadyExists
  // when another process serves a socket or its path is something else, InvalidArgument when a path
  // is too long, Internal when gRPC does not listen.
  static absl::StatusOr<std::unique_ptr<ControlServer>> Start(
      MembershipView& view, const std::vector<ControlSocket>& sockets);

  // Shutdown().
  ~ControlServer();

  // Ends the watchers, lets short calls finish (at most a second) and removes the socket files.
  void Shutdown();

 private:
  class Impl;
  explicit ControlServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace tombolo::control
