// What the region says of its services: snapshots of their records. Readers only; the daemon writes
// them. Thread safety: all functions. As with the member table, any guest can write there: what
// comes back is bounded and never trusted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "transport/endpoint/endpoint_id.h"
#include "transport/region/region.h"

namespace tombolo {

struct ServiceInfo {
  uint32_t index = 0;
  uint32_t incarnation = 0;
  EndpointId writer;  // Incarnation 0: nobody.
  std::string name;
};

// A consistent snapshot of the record at `index`; nothing when no service is there, when `index` is
// out of range, or when the record kept changing.
std::optional<ServiceInfo> ReadService(const Region& region, uint32_t index);

// The service of that name.
std::optional<ServiceInfo> FindService(const Region& region, std::string_view name);

}  // namespace tombolo
