#include "mpi_btl/engine/operation_claim.h"

#include <algorithm>

#include "mpi_btl/engine/engine_message.h"
#include "transport/layout/link.h"

namespace tombolo::mpi {
namespace {

// A region that had no memory for a bulk pool is asked again now and then: the question costs a
// scan of its extents.
constexpr uint32_t kWishesPerQuestion = 256;

}  // namespace

bool OperationClaimer::TryClaim(EndpointId peer, size_t header_bytes, uint64_t payload_bytes,
                                Claim& claim) {
  const size_t bytes =
      header_bytes + std::min<uint64_t>(payload_bytes, kBulkChunkBytes - header_bytes);
  if (bytes <= kMaxInlineBytes) return channel_.TryClaim(peer, bytes, claim);
  const bool has_bulk = bytes <= channel_.MaxPayloadBytes(peer);
  if (has_bulk || bulk_wishes_++ % kWishesPerQuestion == 0) {
    if (channel_.TryClaim(peer, bytes, claim)) return true;
    // With a bulk pool it is only a matter of time.
    if (has_bulk || bytes <= channel_.MaxPayloadBytes(peer)) return false;
  }
  return channel_.TryClaim(peer, kMaxInlineBytes, claim);
}

void OperationClaimer::Publish(const Claim& claim) {
  channel_.Publish(claim, kEngineTag, claim.payload.size());
}

}  // namespace tombolo::mpi
