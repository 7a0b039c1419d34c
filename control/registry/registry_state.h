// RegistryState: all that a registry must remember when its process is no more: what it takes to
// make another that goes on with the same revisions, incarnations and deaths. The history of events
// is not part of it.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "control/registry/endpoint_table.h"
#include "control/registry/membership.h"
#include "control/registry/registry_limits.h"
#include "control/registry/service_table.h"

namespace tombolo::control {

struct SlotEntry {
  bool occupied = false;
  PeerInfo peer;  // Without endpoints. peer.incarnation outlives the occupation.

  friend bool operator==(const SlotEntry&, const SlotEntry&) = default;
};

struct RegistryState {
  uint64_t revision = 0;
  std::vector<SlotEntry> slots;          // All, by slot.
  std::vector<EndpointEntry> endpoints;  // As EndpointTable::All() gives them.
  std::vector<ServiceSlot> services;     // As ServiceTable::Records() gives them.

  friend bool operator==(const RegistryState&, const RegistryState&) = default;
};

// Whether a registry with `limits` can have been in `state`: counts, indices, names and who belongs
// to whom. InvalidArgument says what was seen and what was expected.
absl::Status CheckRegistryState(const RegistryState& state, const RegistryLimits& limits);

}  // namespace tombolo::control
