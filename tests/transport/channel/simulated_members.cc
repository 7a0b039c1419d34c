#include "tests/transport/channel/simulated_members.h"

#include <string.h>
#include <unistd.h>

#include <utility>

#include "transport/alloc/extent_map.h"
#include "transport/device/host_device.h"
#include "transport/layout/member_table.h"

namespace tombolo {
namespace {

constexpr uint16_t kSlots = 2;
constexpr uint16_t kVectors = 16;
constexpr uint32_t kEndpoints = 64;

// Vectors 0 and 1 are not for endpoints.
uint16_t VectorOf(uint32_t index) { return static_cast<uint16_t>(2 + index % (kVectors - 2)); }

}  // namespace

SimulatedMembers::SimulatedMembers(uint64_t region_bytes)
    : SimulatedMembers(RegionLimits{.region_bytes = region_bytes,
                                    .slot_count = kSlots,
                                    .vector_count = kVectors,
                                    .endpoint_count = kEndpoints},
                       CacheSizes{}) {}

SimulatedMembers::SimulatedMembers(const RegionLimits& limits, const CacheSizes& caches)
    : simulated_(*SimulatedRegion::Create(limits.region_bytes,
                                          static_cast<uint16_t>(limits.slot_count),
                                          static_cast<uint16_t>(limits.vector_count))),
      region_(std::make_unique<Region>(
          *Region::Format(simulated_->Memory(), limits, RegionUuid{1}, caches))) {}

void SimulatedMembers::Bump() {
  // One thread changes the members of a test, as one daemon does.
  region_->MembershipEpoch().store(Epoch() + 1, std::memory_order_release);
}

EndpointId SimulatedMembers::Add(std::string_view name) {
  uint32_t index = 0;
  while (IdentityState(region_->Endpoint(index).identity.load(std::memory_order_relaxed)) != 0)
    ++index;
  EndpointRecord& record = region_->Endpoint(index);
  const uint32_t incarnation =
      IdentityIncarnation(record.identity.load(std::memory_order_relaxed)) + 1;
  record.location.store(MakeLocation(0, VectorOf(index), 1), std::memory_order_relaxed);
  uint64_t words[kEndpointNameBytes / 8] = {};
  memcpy(words, name.data(), name.size());
  for (size_t i = 0; i < std::size(words); ++i)
    record.name[i].store(words[i], std::memory_order_relaxed);
  record.identity.store(MakeIdentity(incarnation, static_cast<uint32_t>(EndpointState::kLive)),
                        std::memory_order_release);
  if (region_->EndpointHighWater().load(std::memory_order_relaxed) <= index)
    region_->EndpointHighWater().store(index + 1, std::memory_order_release);
  Bump();
  return EndpointId{index, incarnation};
}

UniqueFd SimulatedMembers::Doorbell(uint16_t vector) const {
  return UniqueFd(dup(simulated_->Eventfd(0, vector)));
}

std::unique_ptr<Endpoint> SimulatedMembers::Adopt(EndpointId id, MemoryType type) {
  return *Endpoint::Adopt(std::make_unique<SimulatedDevice>(simulated_, type), id, 0,
                          Doorbell(VectorOf(id.index)));
}

std::unique_ptr<Endpoint> SimulatedMembers::AdoptMappedAnew(EndpointId id) {
  absl::StatusOr<std::unique_ptr<HostDevice>> device =
      HostDevice::Map(simulated_->MemoryFd(), simulated_->Memory().size(),
                      [this](uint16_t, uint16_t vector) { return Doorbell(vector); });
  return *Endpoint::Adopt(*std::move(device), id, 0, Doorbell(VectorOf(id.index)));
}

void SimulatedMembers::Kill(EndpointId id) {
  EndpointRecord& record = region_->Endpoint(id.index);
  record.changed_epoch.store(Epoch() + 1, std::memory_order_relaxed);
  record.identity.store(MakeIdentity(id.incarnation, static_cast<uint32_t>(EndpointState::kDead)),
                        std::memory_order_release);
  Bump();
}

uint32_t SimulatedMembers::Recycle(EndpointId id) {
  region_->Line(id.index).armed.store(0, std::memory_order_relaxed);
  region_->Line(id.index).link_directory.store(0, std::memory_order_relaxed);
  region_->Line(id.index).acked_epoch.store(0, std::memory_order_relaxed);
  ExtentMap extents(region_->ExtentMap());
  const uint32_t freed = extents.ReleaseAllOf(static_cast<uint16_t>(id.index));
  region_->Endpoint(id.index).identity.store(
      MakeIdentity(id.incarnation, static_cast<uint32_t>(EndpointState::kFree)),
      std::memory_order_release);
  return freed;
}

}  // namespace tombolo
