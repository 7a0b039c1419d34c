// Claims room for a message that begins with a header of an operation and carries as many bytes of
// it as there is room for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/region/region_copy.h"

namespace tombolo::mpi {

// Claims `header_bytes` and up to `payload_bytes` behind them, at least one of them if there are
// any. False: no room now.
bool TryClaimOperation(Channel& channel, EndpointId peer, size_t header_bytes,
                       uint64_t payload_bytes, Claim& claim);

// Writes `header` at the begin of what was claimed, as the lane's memory wants it.
template <typename T>
void WriteHeader(const Channel& channel, const Claim& claim, const T& header) {
  CopyIn(channel.SharedRegion().Type(), claim.payload.data(),
         std::as_bytes(std::span<const T, 1>(&header, 1)));
}

// Publishes all that was claimed.
void PublishOperation(Channel& channel, const Claim& claim);

}  // namespace tombolo::mpi
