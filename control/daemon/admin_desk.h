// AdminDesk: does what administrators ask for through gRPC, in the loop's thread, where registry
// and sockets are.
//
// An eviction kills and nothing else: the slot is vacated and memory is freed when the death is
// proven, as of everybody.
//
// Thread safety: as AdminActions says; construction and destruction in the loop's thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>

#include "absl/status/statusor.h"
#include "control/event_loop/errands.h"
#include "control/event_loop/event_loop.h"
#include "control/registry/registry.h"
#include "control/service/admin_actions.h"

namespace tombolo::control {

// What the desk needs of others; each is called in the loop's thread.
struct AdminTools {
  // Ends the process that has joined a slot, or that is an endpoint of the host.
  std::function<absl::StatusOr<pid_t>(uint32_t slot)> kill_machine;
  std::function<absl::StatusOr<pid_t>(EndpointId id)> kill_process;
};

class AdminDesk final : public AdminActions {
 public:
  // `loop` and `registry` must outlive it.
  AdminDesk(EventLoop& loop, const Registry& registry, AdminTools tools);

  void EvictPeer(uint32_t slot, uint32_t incarnation, EvictDone done) override;
  void EvictEndpoint(EndpointId id, EvictDone done) override;
  void Stop() override { errands_.Stop(); }

 private:
  absl::StatusOr<pid_t> KillPeer(uint32_t slot, uint32_t incarnation) const;
  absl::StatusOr<pid_t> KillEndpoint(EndpointId id) const;

  const Registry& registry_;
  const AdminTools tools_;
  Errands errands_;
};

}  // namespace tombolo::control
