#include "control/daemon/admin_desk.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "control/registry/membership.h"
#include "spdlog/spdlog.h"

namespace tombolo::control {

AdminDesk::AdminDesk(EventLoop& loop, const Registry& registry, AdminTools tools)
    : registry_(registry),
      tools_(std::move(tools)),
      errands_(loop, absl::UnavailableError("tombolod is stopping.")) {}

void AdminDesk::EvictPeer(uint32_t slot, uint32_t incarnation, EvictDone done) {
  errands_.Run([this, slot, incarnation, done = std::move(done)](const absl::Status& status) {
    done(status.ok() ? KillPeer(slot, incarnation) : status);
  });
}

void AdminDesk::EvictEndpoint(EndpointId id, EvictDone done) {
  errands_.Run([this, id, done = std::move(done)](const absl::Status& status) {
    done(status.ok() ? KillEndpoint(id) : status);
  });
}

absl::StatusOr<pid_t> AdminDesk::KillPeer(uint32_t slot, uint32_t incarnation) const {
  if (slot == kHostSlot) {
    return absl::InvalidArgumentError(
        "slot 0 is the host's, which cannot be evicted from its own region; stop tombolod.");
  }
  const std::optional<PeerInfo> peer = registry_.FindPeer(slot);
  if (!peer || peer->incarnation != incarnation) {
    return absl::NotFoundError(absl::StrCat(
        "no virtual machine is in slot ", slot, " for the ", incarnation, ". time: ",
        peer ? absl::StrCat("it is the ", peer->incarnation, ". time now.") : "it is vacant."));
  }
  const absl::StatusOr<pid_t> pid = tools_.kill_machine(slot);
  if (pid.ok()) spdlog::warn("slot {}: evicted by an administrator: process {}", slot, *pid);
  return pid;
}

absl::StatusOr<pid_t> AdminDesk::KillEndpoint(EndpointId id) const {
  const EndpointInfo* live = registry_.FindEndpoint(id);
  if (live == nullptr) {
    return absl::NotFoundError(absl::StrCat("there is no live endpoint ", id.index,
                                            " of incarnation ", id.incarnation, "."));
  }
  if (live->slot != kHostSlot) {
    return absl::FailedPreconditionError(absl::StrCat(
        "endpoint ", id.index, " is process ", live->pid, " of the virtual machine in slot ",
        live->slot, ", which only that machine can end; end it there, or evict the machine."));
  }
  const absl::StatusOr<pid_t> pid = tools_.kill_process(id);
  if (pid.ok()) {
    spdlog::warn("endpoint {} ('{}'): evicted by an administrator: process {}", id.index,
                 live->name, *pid);
  }
  return pid;
}

}  // namespace tombolo::control
