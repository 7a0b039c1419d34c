#include "tests/transport/channel/simulated_members.h"

#include <string.h>
#include <unistd.h>

#include <utility>

#include "transport/alloc/extent_map.h"
#include "transport/layout/member_table.h"

namespace tombolo {
namespace {

constexpr uint16_t kSlots = 2;
constexpr uint16_t kVectors = 16;
constexpr uint32_t kEndpoints = 64;

}  // namespace

SimulatedMembers::SimulatedMembers(uint64_t region_bytes)
    : simulated_(*SimulatedRegion::Create(region_bytes, kSlots, kVectors)) {
  const RegionLimits limits{.region_bytes = region_bytes,
                            .slot_count = kSlots,
                            .vector_count = kVectors,
                            .endpoint_count = kEndpoints};
  region_ = std::make_unique<Region>(
      *Region::Format(simulated_->Memory(), limits, RegionUuid{1}, CacheSizes{}));
}

void SimulatedMembers::Bump() {
  // One thread changes the members of a test, as one daemon does.
  region_->MembershipEpoch().store(Epoch() + 1, std::memory_order_release);
}

std::unique_ptr<Endpoint> SimulatedMembers::Join(std::string_view name) {
  uint32_t index = 0;
  while (IdentityState(region_->Endpoint(index).identity.load(std::memory_order_relaxed)) != 0)
    ++index;
  EndpointRecord& record = region_->Endpoint(index);
  const uint32_t incarnation =
      IdentityIncarnation(record.identity.load(std::memory_order_relaxed)) + 1;
  const auto vector = static_cast<uint16_t>(2 + index % (kVectors - 2));
  record.location.store(MakeLocation(0, vector, 1), std::memory_order_relaxed);
  uint64_t words[kEndpointNameBytes / 8] = {};
  memcpy(words, name.data(), name.size());
  for (size_t i = 0; i < std::size(words); ++i)
    record.name[i].store(words[i], std::memory_order_relaxed);
  record.identity.store(MakeIdentity(incarnation, static_cast<uint32_t>(EndpointState::kLive)),
                        std::memory_order_release);
  if (region_->EndpointHighWater().load(std::memory_order_relaxed) <= index)
    region_->EndpointHighWater().store(index + 1, std::memory_order_release);
  Bump();
  return *Endpoint::Adopt(std::make_unique<SimulatedDevice>(simulated_),
                          EndpointId{index, incarnation}, 0,
                          UniqueFd(dup(simulated_->Eventfd(0, vector))));
}

void SimulatedMembers::Kill(EndpointId id) {
  EndpointRecord& record = region_->Endpoint(id.index);
  record.changed_epoch.store(Epoch() + 1, std::memory_order_relaxed);
  record.identity.store(MakeIdentity(id.incarnation, static_cast<uint32_t>(EndpointState::kDead)),
                        std::memory_order_release);
  Bump();
}

uint32_t SimulatedMembers::Recycle(EndpointId id) {
  region_->Line(id.index).armed.store(0);
  region_->Line(id.index).link_directory.store(0);
  ExtentMap extents(region_->ExtentMap());
  const uint32_t freed = extents.ReleaseAllOf(static_cast<uint16_t>(id.index));
  region_->Endpoint(id.index).identity.store(
      MakeIdentity(id.incarnation, static_cast<uint32_t>(EndpointState::kFree)),
      std::memory_order_release);
  return freed;
}

}  // namespace tombolo
