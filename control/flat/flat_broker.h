// What a broker does for the one endpoint of a machine that cannot have one: says hello for its
// slot, registers the endpoint and claims its memory, all before the machine runs. Then it is done:
// the firmware finds in the region what is its own (guest/flat/endpoint.h).
//
// It says nothing afterwards, and need not: the endpoint dies with its slot. A daemon that was
// killed and started again keeps both.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/flat/slot_connection.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {

// The device interrupts on this vector only.
inline constexpr uint32_t kFlatVector = 0;

struct FlatEndpoint {
  tombolo::EndpointId id;
  uint32_t vector = 0;
};

// Registers endpoint `name` of the connection's slot. Unavailable: no daemon answers; else what it
// says.
absl::StatusOr<FlatEndpoint> RegisterFlatEndpoint(const SlotConnection& connection,
                                                  const std::string& name);

// Claims a link directory and `links` extents for links for endpoint `id`, and zeroes them.
// ResourceExhausted: the region has not so many free ones.
absl::Status ClaimFlatMemory(const Region& region, tombolo::EndpointId id, uint32_t links);

}  // namespace tombolo::control
