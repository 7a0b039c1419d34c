#include "control/registry/registry_state.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "control/registry/text_check.h"

namespace tombolo::control {
namespace {

absl::Status Impossible(const std::string& what) { return absl::InvalidArgumentError(what); }

absl::Status CheckSlot(uint32_t slot, const SlotEntry& entry) {
  const PeerInfo& peer = entry.peer;
  if (peer.slot != slot) {
    return Impossible(absl::StrCat("slot ", slot, " calls itself slot ", peer.slot, "."));
  }
  if (!peer.boot_id.empty()) {
    if (auto good = CheckText(peer.boot_id, "a boot id", kMaxBootIdBytes); !good.ok()) return good;
  }
  if (!entry.occupied) return absl::OkStatus();
  if (peer.incarnation == 0) {
    return Impossible(absl::StrCat("slot ", slot, " is occupied for the 0th time."));
  }
  if ((slot == kHostSlot) != (peer.kind == PeerKind::kHost)) {
    return Impossible(absl::StrCat("slot ", slot, " has the wrong kind of peer; the host has slot ",
                                   kHostSlot, " and a machine any other."));
  }
  if ((peer.state == PeerState::kReady) == peer.boot_id.empty()) {
    return Impossible(absl::StrCat("slot ", slot, " is ready without a boot id, or has one and ",
                                   "is not ready."));
  }
  return absl::OkStatus();
}

absl::Status CheckSlots(const RegistryState& state, const RegistryLimits& limits) {
  if (state.slots.size() != limits.slots) {
    return Impossible(absl::StrCat(state.slots.size(), " slots were kept of ", limits.slots, "."));
  }
  for (uint32_t slot = 0; slot < limits.slots; ++slot) {
    if (auto good = CheckSlot(slot, state.slots[slot]); !good.ok()) return good;
  }
  return absl::OkStatus();
}

// Of records that are kept by index.
absl::Status CheckIdentity(const char* what, EndpointId id, uint32_t limit, int64_t& last_index) {
  if (id.index >= limit || id.index <= last_index || id.incarnation == 0) {
    return Impossible(absl::StrCat(what, " ", id.index, " of incarnation ", id.incarnation,
                                   " follows ", last_index, "; expected increasing numbers below ",
                                   limit, " and incarnations from 1."));
  }
  last_index = id.index;
  return absl::OkStatus();
}

absl::Status CheckEndpoint(const EndpointEntry& entry, const RegistryState& state,
                           const RegistryLimits& limits) {
  const EndpointInfo& info = entry.info;
  if (info.slot >= limits.slots || info.vector >= limits.vectors) {
    return Impossible(absl::StrCat("endpoint ", info.id.index, " is woken by (", info.slot, ", ",
                                   info.vector, "), which is no doorbell of this region."));
  }
  if (entry.changed_revision == 0 || entry.changed_revision > state.revision) {
    return Impossible(absl::StrCat("endpoint ", info.id.index, " changed at revision ",
                                   entry.changed_revision, "; the latest one is ", state.revision,
                                   "."));
  }
  const SlotEntry& home = state.slots[info.slot];
  const bool is_up = home.occupied && home.peer.state == PeerState::kReady;
  if (entry.life == EndpointLife::kLive && !is_up) {
    return Impossible(absl::StrCat("endpoint ", info.id.index, " lives in slot ", info.slot,
                                   ", which is not ready."));
  }
  return CheckText(info.name, "an endpoint name", kMaxEndpointNameBytes);
}

absl::Status CheckEndpoints(const RegistryState& state, const RegistryLimits& limits) {
  int64_t last_index = -1;
  for (const EndpointEntry& entry : state.endpoints) {
    auto good = CheckIdentity("endpoint", entry.info.id, limits.endpoints, last_index);
    if (good.ok()) good = CheckEndpoint(entry, state, limits);
    if (!good.ok()) return good;
  }
  return absl::OkStatus();
}

bool IsLive(EndpointId id, const RegistryState& state) {
  return std::ranges::any_of(state.endpoints, [id](const EndpointEntry& entry) {
    return entry.life == EndpointLife::kLive && entry.info.id == id;
  });
}

absl::Status CheckService(const ServiceSlot& record, const RegistryState& state,
                          const RegistryLimits& limits) {
  const ServiceEntry& service = record.entry;
  const bool has_writer = service.writer != EndpointId{};
  if (record.exists && has_writer && (service.is_going || !IsLive(service.writer, state))) {
    return Impossible(absl::StrCat("service ", service.index, " is written by endpoint ",
                                   service.writer.index, ", which does not live, or is going."));
  }
  if (service.maker_slot >= limits.slots) {
    return Impossible(absl::StrCat("service ", service.index, " was made in slot ",
                                   service.maker_slot, " of ", limits.slots, "."));
  }
  return CheckText(service.name, "a service name", kMaxServiceNameBytes);
}

absl::Status CheckServices(const RegistryState& state, const RegistryLimits& limits) {
  int64_t last_index = -1;
  std::set<std::string> names;
  for (const ServiceSlot& record : state.services) {
    const EndpointId id = {record.entry.index, record.entry.incarnation};
    auto good = CheckIdentity("service", id, limits.services, last_index);
    if (good.ok()) good = CheckService(record, state, limits);
    if (!good.ok()) return good;
    if (record.exists && !names.insert(record.entry.name).second) {
      return Impossible(absl::StrCat("two services have the name of service ", id.index, "."));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckRegistryState(const RegistryState& state, const RegistryLimits& limits) {
  if (auto good = CheckSlots(state, limits); !good.ok()) return good;
  if (auto good = CheckEndpoints(state, limits); !good.ok()) return good;
  return CheckServices(state, limits);
}

}  // namespace tombolo::control
