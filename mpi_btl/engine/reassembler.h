// Puts messages together that came in pieces, one at a time from each sender. Pieces of one message
// come in order. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "mpi_btl/engine/engine_message.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::mpi {

class Reassembler {
 public:
  enum class Result { kMore, kComplete, kNonsense };

  // `max_bytes`: no message is longer.
  explicit Reassembler(size_t max_bytes) : max_bytes_(max_bytes) {}

  // Adds a piece. kComplete: `message` has the whole, until the next call. kNonsense: the header
  // contradicts what came before; what was there of the message is forgotten.
  Result Add(EndpointId source, const EngineHeader& header, std::span<const std::byte> piece,
             std::span<const std::byte>& message);

  // Forgets what came of a message of `source`.
  void Forget(EndpointId source) { partial_.erase(source.index); }

 private:
  struct Partial {
    uint32_t incarnation = 0;
    uint32_t tag = 0;
    uint32_t total_bytes = 0;
    std::vector<std::byte> bytes;
  };

  bool Fits(const Partial& partial, EndpointId source, const EngineHeader& header,
            size_t piece_bytes) const;

  size_t max_bytes_;
  std::unordered_map<uint32_t, Partial> partial_;  // By endpoint index.
  std::vector<std::byte> complete_;
};

}  // namespace tombolo::mpi
