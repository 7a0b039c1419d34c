#include "control/daemon/reaper.h"

#include <string.h>

#include <utility>

#include "control/registry/service_table.h"
#include "transport/endpoint/link_directory.h"
#include "transport/layout/service_record.h"

namespace tombolo::control {

Reaper::Reaper(const Region& region, Registry& registry, MemberTableMirror& mirror, Ring ring,
               uint32_t sweep_extents)
    : region_(region),
      extents_(region.ExtentMap()),
      registry_(registry),
      mirror_(mirror),
      ring_(std::move(ring)),
      sweep_extents_(sweep_extents) {}

void Reaper::Restore(const RegistryState& state) {
  for (const EndpointEntry& entry : state.endpoints) {
    if (entry.life == EndpointLife::kDying) {
      death_epochs_[entry.info.id.index] = entry.changed_revision;
    }
  }
}

void Reaper::Note(const MembershipEvent& event) {
  if (event.kind == EventKind::kEndpointAttached) return;
  for (const EndpointInfo& endpoint : event.endpoints) {
    death_epochs_[endpoint.id.index] = event.revision;
  }
}

bool Reaper::IsLinked(uint32_t live, uint32_t dead) const {
  return FindLinkExtent(region_, dead, live).has_value() ||
         FindLinkExtent(region_, live, dead).has_value();
}

bool Reaper::HasLetGo(uint32_t live, uint64_t epoch) const {
  // Acquire: pairs with Channel::HandleDepartures; its last access to the dead one's memory is
  // over.
  return region_.Line(live).acked_epoch.load(std::memory_order_acquire) >= epoch;
}

bool Reaper::EverybodyHasLetGo(EndpointId dead, uint64_t epoch) {
  bool all = true;
  for (const PeerInfo& peer : registry_.Snapshot().peers) {
    for (const EndpointInfo& live : peer.endpoints) {
      if (!IsLinked(live.id.index, dead.index) || HasLetGo(live.id.index, epoch)) continue;
      ring_(live.slot, live.vector);
      all = false;
    }
  }
  return all;
}

void Reaper::EmptyLine(uint32_t dead) {
  EndpointLine& line = region_.Line(dead);
  // Relaxed: nobody who looks at a line trusts it. Before the extents are freed, so that no line
  // names memory that is another's.
  line.armed.store(0, std::memory_order_relaxed);
  line.link_directory.store(0, std::memory_order_relaxed);
  // The next holder of the index has acknowledged nothing yet, and this one perhaps all deaths.
  line.acked_epoch.store(0, std::memory_order_relaxed);
}

// False: the budget of this sweep is spent.
bool Reaper::ReleaseAll(uint16_t owner) {
  budget_ -= extents_.ReleaseSome(
      owner, budget_, [this](uint32_t extent) { memset(region_.Extent(extent), 0, kExtentBytes); });
  return budget_ != 0;
}

bool Reaper::Free(const EndpointInfo& dead) {
  EmptyLine(dead.id.index);
  if (!ReleaseAll(static_cast<uint16_t>(dead.id.index))) return false;
  mirror_.WriteFree(dead.id);
  death_epochs_.erase(dead.id.index);
  // It can't fail: the registry itself named it as dying.
  (void)registry_.Recycle(dead.id);
  return true;
}

bool Reaper::FreeServices() {
  bool all = true;
  for (const ServiceEntry& service : registry_.Services()) {
    if (!service.is_going) continue;
    if (budget_ == 0 || !ReleaseAll(ServiceOwner(service.index))) {
      all = false;
      continue;
    }
    registry_.ServiceGone(service.index);
    mirror_.WriteServices(registry_.Services());
  }
  return all;
}

bool Reaper::Sweep() {
  budget_ = sweep_extents_;
  bool some_left = !FreeServices();
  for (const EndpointInfo& dead : registry_.DyingEndpoints()) {
    const bool freed =
        EverybodyHasLetGo(dead.id, death_epochs_[dead.id.index]) && budget_ != 0 && Free(dead);
    some_left |= !freed;
  }
  return some_left;
}

}  // namespace tombolo::control
