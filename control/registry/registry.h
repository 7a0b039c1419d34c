// Registry: who is a member of one region. The daemon's single source of truth about slots and
// endpoints; the member table in the region and the gRPC service are mirrors of it.
//
// Pure state: no gRPC, no clock (times are passed in, as nanoseconds since the Unix epoch), no
// threads, no region, no descriptors. It believes its caller, who must have *proof* of what it
// reports: a slot is vacated when its socket has closed, an endpoint is gone when its pidfd or its
// broker says so. What comes from peers unchecked (names, boot ids, vectors) is checked here.
//
// Thread safety: none; it lives in the daemon's event loop. Observers are called in that thread.
//
//   slot:      vacant --OccupySlot--> CONNECTED --BrokerReady--> READY --VacateSlot--> vacant
//                                         |                       |  ^
//                                         +----VacateSlot---------+  +-- BrokerReady with a new
//                                                                        boot id: a reboot
//   endpoint:  free --AttachEndpoint--> live --EndpointGone, VacateSlot, reboot--> DYING
//              --Recycle--> free
//
// Every change but Recycle takes the next revision and is one event; a call that changes nothing
// (a second hello with the same boot id, a death noticed twice) is no event. The revision is the
// region's membership epoch.
//
// Death comes in two steps. When an endpoint dies its index is DYING: the caller wakes those linked
// to it, waits for their acknowledgements, reclaims its memory, and then calls Recycle. A slot may
// be occupied again while endpoints of its former life are DYING.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/registry/endpoint_table.h"
#include "control/registry/event_history.h"
#include "control/registry/membership.h"
#include "control/registry/registry_limits.h"
#include "control/registry/registry_state.h"
#include "control/registry/service_table.h"

namespace tombolo::control {

// Vector 0 tells brokers of membership changes, vector 1 is the control link of the slot.
inline constexpr uint32_t kFirstEndpointVector = 2;

struct AttachRequest {
  uint32_t slot = 0;
  std::string name = {};  // Printable ASCII without spaces, 1 to kMaxEndpointNameBytes.
  int32_t pid = 0;        // As the endpoint's own kernel counts; told, never used.
  std::optional<uint32_t> vector = std::nullopt;  // Unset: as ChooseVector() says.
  int64_t now_unix_ns = 0;
};

class Registry {
 public:
  using Observer = std::function<void(const MembershipEvent&)>;

  explicit Registry(const RegistryLimits& limits = {});

  // One that goes on where another stopped. `state` must have passed CheckRegistryState().
  Registry(const RegistryLimits& limits, const RegistryState& state);
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // Calls `observer` after each change, in the order of revisions, before the changing call
  // returns. It sees the registry as it is after the change and must not change it.
  void AddObserver(Observer observer);

  // Calls `keeper` after every change, those included that no observer is told of, and before any
  // observer is: what others hear of is already kept then. It must not change the registry.
  void SetKeeper(std::function<void()> keeper) { keeper_ = std::move(keeper); }

  RegistryState State() const;

  // A device was plugged into `slot`. Returns the slot's new incarnation. InvalidArgument when the
  // slot does not exist or a VM asks for slot 0; AlreadyExists when it is occupied.
  absl::StatusOr<uint32_t> OccupySlot(uint32_t slot, PeerKind kind, int64_t now_unix_ns);

  // The broker of `slot` said hello; `boot_id` names the boot of its kernel. Returns the endpoints
  // that this proves dead: all earlier ones when the boot id is new, else none (the broker was
  // started again, its endpoints live on). FailedPrecondition when the slot is vacant,
  // InvalidArgument when the boot id is empty, too long or not printable.
  absl::StatusOr<std::vector<EndpointId>> BrokerReady(uint32_t slot, std::string_view boot_id);

  // The device of `slot` is gone. Returns its endpoints, which died with it. FailedPrecondition
  // when the slot is vacant.
  absl::StatusOr<std::vector<EndpointId>> VacateSlot(uint32_t slot);

  // Whether newcomers are kept out: then no endpoint attaches. Whoever gives slots to machines asks
  // it too. It is no part of the state.
  void SetDraining(bool draining) { is_draining_ = draining; }
  bool IsDraining() const { return is_draining_; }

  // A process attached through the broker of a READY slot. FailedPrecondition when the slot is not
  // READY, or newcomers are kept out, InvalidArgument for a bad name or a vector that the slot does
  // not have, ResourceExhausted (with numbers) when every endpoint record is taken.
  absl::StatusOr<EndpointId> AttachEndpoint(AttachRequest request);

  // Endpoint `id` is proven dead; its index is DYING now. Good without effect when it was DYING
  // already, NotFound when `id` names neither a live nor a DYING endpoint.
  absl::Status EndpointGone(EndpointId id);

  // Nothing in the region names the dead endpoint `id` any more: its index may be used again. Tells
  // no observer. FailedPrecondition while it is live, NotFound when it is neither live nor DYING.
  absl::Status Recycle(EndpointId id);

  // Makes the live endpoint `writer` the one that may write the memory of the service `name`, which
  // begins to exist with that. Tells no observer. NotFound when `writer` is not live,
  // InvalidArgument for a bad name, ResourceExhausted when its VM has made as many as one may; else
  // as ServiceTable::Open() says.
  absl::StatusOr<ServiceEntry> OpenService(std::string_view name, EndpointId writer);

  // The service goes, once its memory is free: then ServiceGone(). Tells no observer. Errors as
  // ServiceTable::Close() says.
  absl::Status CloseService(std::string_view name);
  void ServiceGone(uint32_t index);

  // All that exist, by index. A dead endpoint is nobody's writer any more when its death is told.
  std::vector<ServiceEntry> Services() const { return services_.All(); }

  // The vector for one more endpoint of `slot`: of vectors 2 and up the one that wakes the fewest
  // live endpoints, the lowest such. With no more than 2 vectors all share the last one.
  uint32_t ChooseVector(uint32_t slot) const;

  // The lowest vacant slot that a VM may have.
  std::optional<uint32_t> LowestVacantSlot() const;

  // The peer of `slot` with its endpoints; nothing when the slot is vacant or does not exist.
  std::optional<PeerInfo> FindPeer(uint32_t slot) const;

  // The live endpoint `id`, or null; valid until the next change.
  const EndpointInfo* FindEndpoint(EndpointId id) const { return endpoints_.FindLive(id); }

  // Dead endpoints that wait for Recycle, by index.
  std::vector<EndpointInfo> DyingEndpoints() const { return endpoints_.Dying(); }

  MembershipSnapshot Snapshot() const;

  // All events after `revision`; OutOfRange as EventHistory::Since() says.
  absl::StatusOr<std::vector<MembershipEvent>> EventsSince(uint64_t revision) const {
    return history_.Since(revision);
  }

  // Of the latest change; 0 before the first.
  uint64_t Revision() const { return history_.Revision(); }

  const RegistryLimits& Limits() const { return limits_; }

 private:
  absl::StatusOr<SlotEntry*> Occupied(uint32_t slot);
  absl::Status CheckAttach(const AttachRequest& request) const;
  absl::Status CheckMayMake(std::string_view service, uint32_t slot);
  std::vector<EndpointInfo> KillAllOf(uint32_t slot);
  uint64_t NextRevision() const { return Revision() + 1; }
  void Tell(EventKind kind, const PeerInfo& peer, std::vector<EndpointInfo> endpoints = {});
  void Keep() const;

  const RegistryLimits limits_;
  std::vector<SlotEntry> slots_;
  EndpointTable endpoints_;
  ServiceTable services_;
  EventHistory<MembershipEvent> history_;
  bool is_draining_ = false;
  std::function<void()> keeper_;
  std::vector<Observer> observers_;
};

}  // namespace tombolo::control
