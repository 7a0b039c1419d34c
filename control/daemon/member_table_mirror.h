// MemberTableMirror: writes what the registry knows into the region's member table, event by event,
// and moves the membership epoch. The only writer of that table.
//
// Thread safety: the daemon's event loop. It reads nothing back from the region: a guest may
// scribble there, and the registry stays the truth.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "control/registry/membership.h"
#include "control/registry/registry_state.h"
#include "control/registry/service_table.h"
#include "transport/layout/member_table.h"
#include "transport/layout/service_record.h"
#include "transport/region/region.h"

namespace tombolo::control {

class MemberTableMirror {
 public:
  explicit MemberTableMirror(const Region& region) : region_(region) {}

  // Writes all of the table, as a former daemon should have left it.
  void Restore(const RegistryState& state);

  // Writes one event; the epoch becomes its revision. Events must come in order.
  void Write(const MembershipEvent& event);

  // The endpoint's memory is free again, and so is its record.
  void WriteFree(EndpointId id);

  // `services` are all that exist; records that say so already are left alone.
  void WriteServices(const std::vector<ServiceEntry>& services);

 private:
  void RestoreHighWater(const RegistryState& state);
  void RestoreEndpoint(const EndpointEntry& entry, const RegistryState& state);
  void RestoreServices(const std::vector<ServiceSlot>& records);
  void RaiseHighWater(uint32_t count);
  void WriteSlot(const PeerInfo& peer, SlotState state);
  void WriteLive(const EndpointInfo& endpoint, uint32_t slot_incarnation, uint64_t epoch);
  void WriteService(const ServiceEntry& service);
  void WriteServiceFree(uint32_t index);
  void WriteDead(const EndpointInfo& endpoint, uint64_t epoch);

  Region region_;
  uint32_t high_water_ = 0;
  std::array<ServiceEntry, kServiceCount> written_services_;  // Incarnation 0: free.
};

}  // namespace tombolo::control
