// AdminActions: what administrators may ask of the daemon through gRPC. The daemon's side of it is
// control/daemon/admin_desk.h; the services know no more of the daemon than this.
//
// Thread safety: every function may be called from any thread. Each `done` is called once, at once
// or later, from any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>

#include "absl/status/statusor.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {

class AdminActions {
 public:
  // The pid of the process that was told to end.
  using EvictDone = std::function<void(absl::StatusOr<pid_t> pid)>;

  virtual ~AdminActions() = default;

  // Ends the virtual machine in `slot`, or a process of the host. Errors as membership.proto says
  // of Evict.
  virtual void EvictPeer(uint32_t slot, uint32_t incarnation, EvictDone done) = 0;
  virtual void EvictEndpoint(EndpointId id, EvictDone done) = 0;

  // Answers whoever waits, and everybody from then on, that the daemon is stopping (Unavailable):
  // a gRPC server ends when all its calls have.
  virtual void Stop() = 0;
};

}  // namespace tombolo::control
