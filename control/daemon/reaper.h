// Reaper: gives the memory of dead endpoints to others, in two steps (ARCHITECTURE.md, "Death").
//
// An endpoint that was linked with the dead one may still be reading its memory. So it is woken,
// and only when all of them have acknowledged the membership epoch of the death are the extents
// scrubbed and freed, the record emptied and the index given back to the registry. An endpoint that
// never looks delays this, for ever if need be: memory is freed by proof, never by a timeout.
//
// Memory is zeroed before it changes its owner: what one endpoint said to another is no third
// one's. A service that was told to go loses its memory in the same way, at once: nobody can be
// waited for who may be reading it.
//
// Thread safety: the daemon's event loop. Sweep() may be repeated at any time and may be cut short
// anywhere: it reads all that it needs anew.
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "control/daemon/member_table_mirror.h"
#include "control/registry/membership.h"
#include "control/registry/registry.h"
#include "control/registry/registry_state.h"
#include "transport/alloc/extent_map.h"
#include "transport/base/units.h"
#include "transport/region/region.h"

namespace tombolo::control {

class Reaper {
 public:
  using Ring = std::function<void(uint32_t slot, uint32_t vector)>;

  // 64 MiB, a hundredth of a second.
  static constexpr uint32_t kSweepExtents = 64 * kMiB / kExtentBytes;

  // `registry` and `mirror` must outlive it. `ring` wakes an endpoint.
  Reaper(const Region& region, Registry& registry, MemberTableMirror& mirror, Ring ring,
         uint32_t sweep_extents = kSweepExtents);

  // Goes on with the dying endpoints of a former daemon.
  void Restore(const RegistryState& state);

  // An event was written to the region: notes the deaths in it. Call Sweep() soon, which wakes
  // those who were linked with the dead.
  void Note(const MembershipEvent& event);

  // Frees what everybody has let go of, at most kSweepExtents, and wakes those who have not. True:
  // some are left, so come again.
  bool Sweep();

  // Why the last Sweep() was cut short: not because somebody is waited for, but so as to keep
  // nobody waiting.
  bool HasMoreToScrub() const { return budget_ == 0; }

 private:
  bool IsLinked(uint32_t live, uint32_t dead) const;
  bool HasLetGo(uint32_t live, uint64_t epoch) const;
  // Whether all have let go; wakes those who have not.
  bool EverybodyHasLetGo(EndpointId dead, uint64_t epoch);
  void EmptyLine(uint32_t dead);
  bool Free(const EndpointInfo& dead);
  bool FreeServices();
  bool ReleaseAll(uint16_t owner);

  Region region_;
  ExtentMap extents_;
  Registry& registry_;
  MemberTableMirror& mirror_;
  Ring ring_;
  const uint32_t sweep_extents_;
  uint32_t budget_ = 1;                        // Extents that this sweep may still free.
  std::map<uint32_t, uint64_t> death_epochs_;  // By endpoint index.
};

}  // namespace tombolo::control
