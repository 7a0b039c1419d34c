// World: a region of the least size with its daemon's state (registry, member table, reaper) and
// some endpoints, all in one process. A fork of it is a fork of everybody, each with the private
// state of that moment, over the one shared region.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "control/daemon/member_table_mirror.h"
#include "control/daemon/reaper.h"
#include "control/registry/registry.h"
#include "tests/crash/member.h"
#include "transport/device/simulated_device.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/region/geometry.h"
#include "transport/region/region.h"

namespace tombolo::crash {

class World {
 public:
  // Bytes: a power of two.
  explicit World(uint64_t region_bytes = kMinRegionBytes);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // The daemon's half of an attachment: a new endpoint in the member table.
  EndpointId Admit(std::string_view name);

  // The endpoint's own half: all but the channel, and that too.
  Member Enter(EndpointId id) const;
  Member Join(std::string_view name);

  // It is proven dead.
  void DeclareDead(EndpointId id);

  // How many of the dead are not yet forgotten.
  size_t DyingCount() const { return registry_.DyingEndpoints().size(); }

  // The reaper, once: true when it has to come again.
  bool Sweep() { return reaper_.Sweep(); }

  // From now on what this process does in the region is its own affair: it sees the bytes as they
  // are now, and nobody else sees what it writes.
  void KeepToYourself();

  const Region& SharedRegion() const { return region_; }
  std::span<std::byte> Memory() const { return simulated_->Memory(); }

 private:
  std::shared_ptr<SimulatedRegion> simulated_;
  Region region_;
  control::Registry registry_;
  control::MemberTableMirror mirror_;
  control::Reaper reaper_;
};

}  // namespace tombolo::crash
