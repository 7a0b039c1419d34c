// What the member table says: snapshots of its records. Readers only; the daemon writes it.
// Thread safety: all functions. The table is the daemon's word, but any guest can write there, so
// what comes back is bounded and never trusted with more than whom to talk to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "transport/endpoint/endpoint_id.h"
#include "transport/layout/member_table.h"
#include "transport/region/region.h"

namespace tombolo {

struct EndpointInfo {
  EndpointId id;
  EndpointState state = EndpointState::kFree;
  uint16_t slot = 0;
  uint16_t vector = 0;
  uint32_t pid = 0;
  uint64_t changed_epoch = 0;
  std::string name;
};

// A consistent snapshot of the record at `index`; nothing when it is free, when `index` is out of
// range, or when the record kept changing.
std::optional<EndpointInfo> ReadEndpoint(const Region& region, uint32_t index);

// The record's identity word as it is now: one load, for checks in a hurry.
bool IsLive(const Region& region, EndpointId id);

// Everybody alive.
std::vector<EndpointInfo> LiveEndpoints(const Region& region);

// The living endpoint of `slot` with that name, the lowest index first.
std::optional<EndpointInfo> FindEndpoint(const Region& region, uint16_t slot,
                                         std::string_view name);

}  // namespace tombolo
