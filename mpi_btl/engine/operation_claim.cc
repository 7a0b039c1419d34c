#include "mpi_btl/engine/operation_claim.h"

#include <algorithm>

#include "mpi_btl/engine/engine_message.h"
#include "transport/layout/link.h"

namespace tombolo::mpi {

bool TryClaimOperation(Channel& channel, EndpointId peer, size_t header_bytes,
                       uint64_t payload_bytes, Claim& claim) {
  const size_t bytes =
      header_bytes + std::min<uint64_t>(payload_bytes, kBulkChunkBytes - header_bytes);
  if (channel.TryClaim(peer, bytes, claim)) return true;
  // With a bulk pool it is only a matter of time.
  if (bytes <= channel.MaxPayloadBytes(peer)) return false;
  return channel.TryClaim(peer, kMaxInlineBytes, claim);
}

void PublishOperation(Channel& channel, const Claim& claim) {
  channel.Publish(claim, kEngineTag, claim.payload.size());
}

}  // namespace tombolo::mpi
