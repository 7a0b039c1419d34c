#include "control/registry/registry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/registry/next_incarnation.h"
#include "control/registry/text_check.h"

namespace tombolo::control {
namespace {

std::vector<EndpointId> IdsOf(const std::vector<EndpointInfo>& endpoints) {
  std::vector<EndpointId> ids;
  for (const EndpointInfo& endpoint : endpoints) ids.push_back(endpoint.id);
  return ids;
}

absl::Status NoSuchSlot(uint32_t slot, uint32_t slots) {
  return absl::InvalidArgumentError(absl::StrCat("slot ", slot, " does not exist; slots are 0 to ",
                                                 slots - 1, " (see --slots of tombolod)."));
}

}  // namespace

Registry::Registry(const RegistryLimits& limits)
    : limits_(limits),
      slots_(limits.slots),
      endpoints_(limits.endpoints),
      services_(limits.services),
      history_(limits.history_events) {
  for (uint32_t i = 0; i < limits.slots; ++i) slots_[i].peer.slot = i;
}

Registry::Registry(const RegistryLimits& limits, const RegistryState& state)
    : limits_(limits),
      slots_(state.slots),
      endpoints_(limits.endpoints, state.endpoints),
      services_(limits.services, state.services),
      history_(limits.history_events, state.revision) {}

RegistryState Registry::State() const {
  return {.revision = Revision(),
          .slots = slots_,
          .endpoints = endpoints_.All(),
          .services = services_.Records()};
}

void Registry::AddObserver(Observer observer) { observers_.push_back(std::move(observer)); }

absl::StatusOr<uint32_t> Registry::OccupySlot(uint32_t slot, PeerKind kind, int64_t now_unix_ns) {
  if (slot >= slots_.size()) return NoSuchSlot(slot, limits_.slots);
  if (slot == kHostSlot && kind != PeerKind::kHost) {
    return absl::InvalidArgumentError("slot 0 is the host's and never given to a VM.");
  }
  SlotEntry& taken = slots_[slot];
  if (taken.occupied) {
    return absl::AlreadyExistsError(absl::StrCat("slot ", slot, " is occupied, incarnation ",
                                                 taken.peer.incarnation, "; vacate it first."));
  }
  taken.occupied = true;
  taken.peer.kind = kind;
  taken.peer.state = PeerState::kConnected;
  taken.peer.incarnation = NextIncarnation(taken.peer.incarnation);
  taken.peer.boot_id.clear();
  taken.peer.joined_unix_ns = now_unix_ns;
  Tell(EventKind::kPeerJoined, taken.peer);
  return taken.peer.incarnation;
}

absl::StatusOr<std::vector<EndpointId>> Registry::BrokerReady(uint32_t slot,
                                                              std::string_view boot_id) {
  const absl::StatusOr<SlotEntry*> found = Occupied(slot);
  if (!found.ok()) return found.status();
  if (absl::Status text = CheckText(boot_id, "a boot id", kMaxBootIdBytes); !text.ok()) return text;
  PeerInfo& peer = (*found)->peer;
  if (peer.boot_id == boot_id) return std::vector<EndpointId>();
  const bool first_hello = peer.state == PeerState::kConnected;
  peer.state = PeerState::kReady;
  peer.boot_id = std::string(boot_id);
  std::vector<EndpointInfo> dead = KillAllOf(slot);
  std::vector<EndpointId> ids = IdsOf(dead);
  Tell(first_hello ? EventKind::kBrokerReady : EventKind::kPeerRebooted, peer, std::move(dead));
  return ids;
}

absl::StatusOr<std::vector<EndpointId>> Registry::VacateSlot(uint32_t slot) {
  const absl::StatusOr<SlotEntry*> found = Occupied(slot);
  if (!found.ok()) return found.status();
  (*found)->occupied = false;
  std::vector<EndpointInfo> dead = KillAllOf(slot);
  std::vector<EndpointId> ids = IdsOf(dead);
  Tell(EventKind::kPeerLeft, (*found)->peer, std::move(dead));
  return ids;
}

absl::StatusOr<EndpointId> Registry::AttachEndpoint(AttachRequest request) {
  const absl::StatusOr<SlotEntry*> found = Occupied(request.slot);
  if (!found.ok()) return found.status();
  if (absl::Status good = CheckAttach(request); !good.ok()) return good;
  EndpointInfo endpoint;
  endpoint.slot = request.slot;
  endpoint.vector = request.vector.value_or(ChooseVector(request.slot));
  endpoint.pid = request.pid;
  endpoint.name = std::move(request.name);
  endpoint.attached_unix_ns = request.now_unix_ns;
  const absl::StatusOr<EndpointId> id = endpoints_.Take(std::move(endpoint), NextRevision());
  if (id.ok()) Tell(EventKind::kEndpointAttached, (*found)->peer, {*endpoints_.FindLive(*id)});
  return id;
}

absl::Status Registry::EndpointGone(EndpointId id) {
  const EndpointInfo* live = endpoints_.FindLive(id);
  const absl::StatusOr<bool> died = endpoints_.Kill(id, NextRevision());
  services_.ForgetWriter(id);
  if (died.ok() && *died) Tell(EventKind::kEndpointGone, slots_[live->slot].peer, {*live});
  return died.status();
}

absl::StatusOr<ServiceEntry> Registry::OpenService(std::string_view name, EndpointId writer) {
  if (auto good = CheckText(name, "a service name", kMaxServiceNameBytes); !good.ok()) return good;
  const EndpointInfo* live = endpoints_.FindLive(writer);
  if (live == nullptr) {
    return absl::NotFoundError(absl::StrCat("there is no live endpoint ", writer.index,
                                            " of incarnation ", writer.incarnation,
                                            " that could write a service's memory."));
  }
  if (absl::Status may = CheckMayMake(name, live->slot); !may.ok()) return may;
  absl::StatusOr<ServiceEntry> service = services_.Open(std::string(name), writer, live->slot);
  if (service.ok()) Keep();
  return service;
}

// Services outlive whoever made them, so one VM could use up all of them.
absl::Status Registry::CheckMayMake(std::string_view service, uint32_t slot) {
  if (slot == kHostSlot || services_.Exists(service)) return absl::OkStatus();
  if (services_.CountOf(slot) < limits_.guest_services) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the VM of slot ", slot, " has made ", limits_.guest_services,
                   " services, as many as one may; close one that nobody needs."));
}

absl::Status Registry::CloseService(std::string_view name) {
  absl::Status closed = services_.Close(name);
  if (closed.ok()) Keep();
  return closed;
}

void Registry::ServiceGone(uint32_t index) {
  services_.Recycle(index);
  Keep();
}

absl::Status Registry::Recycle(EndpointId id) {
  absl::Status recycled = endpoints_.Recycle(id);
  if (recycled.ok()) Keep();
  return recycled;
}

uint32_t Registry::ChooseVector(uint32_t slot) const {
  if (limits_.vectors <= kFirstEndpointVector) return limits_.vectors - 1;
  std::vector<uint32_t> load(limits_.vectors, 0);
  for (const EndpointInfo& endpoint : endpoints_.LiveOf(slot)) ++load[endpoint.vector];
  const auto least = std::min_element(load.begin() + kFirstEndpointVector, load.end());
  return static_cast<uint32_t>(least - load.begin());
}

std::optional<uint32_t> Registry::LowestVacantSlot() const {
  for (uint32_t slot = kHostSlot + 1; slot < limits_.slots; ++slot) {
    if (!slots_[slot].occupied) return slot;
  }
  return std::nullopt;
}

std::optional<PeerInfo> Registry::FindPeer(uint32_t slot) const {
  if (slot >= slots_.size() || !slots_[slot].occupied) return std::nullopt;
  PeerInfo peer = slots_[slot].peer;
  peer.endpoints = endpoints_.LiveOf(slot);
  return peer;
}

MembershipSnapshot Registry::Snapshot() const {
  MembershipSnapshot snapshot;
  snapshot.revision = Revision();
  for (uint32_t slot = 0; slot < limits_.slots; ++slot) {
    if (std::optional<PeerInfo> peer = FindPeer(slot)) snapshot.peers.push_back(std::move(*peer));
  }
  return snapshot;
}

absl::StatusOr<SlotEntry*> Registry::Occupied(uint32_t slot) {
  if (slot >= slots_.size()) return NoSuchSlot(slot, limits_.slots);
  if (slots_[slot].occupied) return &slots_[slot];
  return absl::FailedPreconditionError(
      absl::StrCat("slot ", slot, " is vacant: no device is plugged into it."));
}

absl::Status Registry::CheckAttach(const AttachRequest& request) const {
  if (is_draining_) {
    return absl::FailedPreconditionError(
        "the region is being drained: nobody joins until `tombolo admin undrain`.");
  }
  if (slots_[request.slot].peer.state != PeerState::kReady) {
    return absl::FailedPreconditionError(
        absl::StrCat("the broker of slot ", request.slot, " has not said hello yet."));
  }
  if (request.vector && *request.vector >= limits_.vectors) {
    return absl::InvalidArgumentError(absl::StrCat("vector ", *request.vector,
                                                   " does not exist; a slot has vectors 0 to ",
                                                   limits_.vectors - 1, "."));
  }
  return CheckText(request.name, "an endpoint name", kMaxEndpointNameBytes);
}

std::vector<EndpointInfo> Registry::KillAllOf(uint32_t slot) {
  std::vector<EndpointInfo> dead = endpoints_.LiveOf(slot);
  for (const EndpointInfo& endpoint : dead) {
    endpoints_.Kill(endpoint.id, NextRevision()).IgnoreError();
    services_.ForgetWriter(endpoint.id);
  }
  return dead;
}

void Registry::Tell(EventKind kind, const PeerInfo& peer, std::vector<EndpointInfo> endpoints) {
  MembershipEvent event{NextRevision(), kind, peer, std::move(endpoints)};
  history_.Add(event);
  Keep();
  for (const Observer& observer : observers_) observer(event);
}

void Registry::Keep() const {
  if (keeper_) keeper_();
}

}  // namespace tombolo::control
