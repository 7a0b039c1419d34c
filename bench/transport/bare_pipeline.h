// The bare limit of bandwidth through shared memory: one core copies messages into a ring, chunk by
// chunk, the other one copies them out; nothing else happens. Bytes per second.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bench/transport/measurement.h"
#include "bench/transport/private_memory.h"
#include "transport/base/units.h"

namespace tombolo::bench {

class BarePipeline final : public Measurement {
 public:
  // A ring of `ring_bytes` in chunks of `chunk_bytes`; both are powers of two.
  BarePipeline(size_t ring_bytes, size_t chunk_bytes);

  double Lead() override;
  void Follow() override;

 private:
  static constexpr uint64_t kMessages = 8;
  static constexpr size_t kMessageBytes = kMiB;

  struct Positions;

  std::byte* Chunk(uint64_t position) const { return ring_ + position % chunks_ * chunk_bytes_; }

  const size_t chunk_bytes_;
  const uint64_t chunks_;
  Positions* positions_;
  std::byte* ring_;
  PrivateMemory private_;  // What is sent, or received.
  uint64_t moved_ = 0;     // Chunks by this side, in all rounds.
};

}  // namespace tombolo::bench
