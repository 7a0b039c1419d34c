// Claims room for a message that begins with a header of an operation and carries as many bytes of
// it as there is room for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::mpi {

class OperationClaimer {
 public:
  // `channel` must outlive it.
  explicit OperationClaimer(Channel& channel) : channel_(channel) {}

  // Claims `header_bytes` and up to `payload_bytes` behind them, at least one of them if there are
  // any. False: no room now.
  bool TryClaim(EndpointId peer, size_t header_bytes, uint64_t payload_bytes, Claim& claim);

  // Publishes all that was claimed.
  void Publish(const Claim& claim);

 private:
  Channel& channel_;
  uint32_t bulk_wishes_ = 0;  // Messages that were too large as long as there is no bulk pool.
};

}  // namespace tombolo::mpi
