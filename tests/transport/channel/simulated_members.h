// A region with a member table that a test writes itself, as the daemon would.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "transport/base/memory_type.h"
#include "transport/base/unique_fd.h"
#include "transport/channel/channel.h"
#include "transport/device/simulated_device.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/region/geometry.h"
#include "transport/region/region.h"

namespace tombolo {

class SimulatedMembers {
 public:
  explicit SimulatedMembers(uint64_t region_bytes = uint64_t{16} << 20);
  SimulatedMembers(const RegionLimits& limits, const CacheSizes& caches);

  // A new endpoint of slot 0 with the lowest index that is free.
  std::unique_ptr<Endpoint> Join(std::string_view name) { return Adopt(Add(name)); }

  // The same in two steps: only its record, and the endpoint itself.
  EndpointId Add(std::string_view name);
  std::unique_ptr<Endpoint> Adopt(EndpointId id, MemoryType type = MemoryType::kWriteBack);

  // Adopt() for a process that was forked off since: the mapping was not inherited.
  std::unique_ptr<Endpoint> AdoptMappedAnew(EndpointId id);

  // The endpoint is proven dead: its record says so and the epoch moves.
  void Kill(EndpointId id);

  // After everybody acknowledged: its memory is freed and its index may be used again. Gives the
  // extents freed.
  uint32_t Recycle(EndpointId id);

  const Region& SharedRegion() const { return *region_; }

  // The eventfd of (slot, vector), which stays the region's.
  int Eventfd(uint16_t slot, uint16_t vector) const { return simulated_->Eventfd(slot, vector); }
  uint64_t Epoch() const { return region_->MembershipEpoch().load(std::memory_order_relaxed); }

 private:
  void Bump();
  UniqueFd Doorbell(uint16_t vector) const;

  std::shared_ptr<SimulatedRegion> simulated_;
  std::unique_ptr<Region> region_;
};

}  // namespace tombolo
