#include "transport/endpoint/membership_view.h"

#include <algorithm>

#include "transport/endpoint/record_snapshot.h"

namespace tombolo {

std::optional<EndpointInfo> ReadEndpoint(const Region& region, uint32_t index) {
  if (index >= region.Limits().endpoint_count) return std::nullopt;
  const EndpointRecord& record = region.Endpoint(index);
  return ReadSnapshot(record, [&](uint64_t identity) -> std::optional<EndpointInfo> {
    if (IdentityState(identity) == static_cast<uint32_t>(EndpointState::kFree)) return std::nullopt;
    const uint64_t location = record.location.load(std::memory_order_relaxed);
    return EndpointInfo{
        .id = {index, IdentityIncarnation(identity)},
        .state = static_cast<EndpointState>(IdentityState(identity)),
        .slot = LocationSlot(location),
        .vector = LocationVector(location),
        .pid = LocationPid(location),
        .changed_epoch = record.changed_epoch.load(std::memory_order_relaxed),
        .name = ReadName(record),
    };
  });
}

bool IsLive(const Region& region, EndpointId id) {
  if (id.index >= region.Limits().endpoint_count) return false;
  // seq_cst: the second half of the pair in Channel::Open.
  return region.Endpoint(id.index).identity.load(std::memory_order_seq_cst) ==
         MakeIdentity(id.incarnation, static_cast<uint32_t>(EndpointState::kLive));
}

std::vector<EndpointInfo> LiveEndpoints(const Region& region) {
  std::vector<EndpointInfo> live;
  const uint32_t high_water = std::min(region.EndpointHighWater().load(std::memory_order_acquire),
                                       region.Limits().endpoint_count);
  for (uint32_t i = 0; i < high_water; ++i) {
    std::optional<EndpointInfo> info = ReadEndpoint(region, i);
    if (info && info->state == EndpointState::kLive) live.push_back(*std::move(info));
  }
  return live;
}

std::optional<EndpointInfo> FindEndpoint(const Region& region, uint16_t slot,
                                         std::string_view name) {
  for (EndpointInfo& info : LiveEndpoints(region)) {
    if (info.slot == slot && info.name == name) return std::move(info);
  }
  return std::nullopt;
}

}  // namespace tombolo
