#include "transport/endpoint/membership_view.h"

#include <string.h>

#include <algorithm>

namespace tombolo {
namespace {

constexpr int kSnapshotAttempts = 8;

std::string ReadName(const EndpointRecord& record) {
  char bytes[kEndpointNameBytes + 1] = {};
  for (size_t i = 0; i < kEndpointNameBytes / 8; ++i) {
    const uint64_t word = record.name[i].load(std::memory_order_relaxed);
    memcpy(bytes + i * 8, &word, 8);
  }
  return bytes;
}

}  // namespace

std::optional<EndpointInfo> ReadEndpoint(const Region& region, uint32_t index) {
  if (index >= region.Limits().endpoint_count) return std::nullopt;
  const EndpointRecord& record = region.Endpoint(index);
  for (int attempt = 0; attempt < kSnapshotAttempts; ++attempt) {
    // Acquire: pairs with the daemon's release store of identity, so the rest is that occupation's.
    const uint64_t identity = record.identity.load(std::memory_order_acquire);
    if (IdentityState(identity) == static_cast<uint32_t>(EndpointState::kFree)) return std::nullopt;
    const uint64_t location = record.location.load(std::memory_order_relaxed);
    EndpointInfo info{
        .id = {index, IdentityIncarnation(identity)},
        .state = static_cast<EndpointState>(IdentityState(identity)),
        .slot = LocationSlot(location),
        .vector = LocationVector(location),
        .pid = LocationPid(location),
        .changed_epoch = record.changed_epoch.load(std::memory_order_relaxed),
        .name = ReadName(record),
    };
    // An acquire read-modify-write would order the loads above before it; instead the identity is
    // loaded again with seq_cst, and the daemon stores it before it touches anything else of the
    // record.
    if (record.identity.load(std::memory_order_seq_cst) == identity) return info;
  }
  return std::nullopt;
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
