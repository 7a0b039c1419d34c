#include "bench/transport/bare_pipeline.h"

#include <string.h>
#include <sys/mman.h>

#include <atomic>
#include <string>

#include "bench/transport/require.h"
#include "bench/transport/shared_block.h"
#include "bench/transport/spin.h"
#include "transport/base/clock.h"

namespace tombolo::bench {

struct BarePipeline::Positions {
  alignas(4 * kCacheLineBytes) std::atomic<uint64_t> filled{0};
  alignas(4 * kCacheLineBytes) std::atomic<uint64_t> emptied{0};
};

BarePipeline::BarePipeline(size_t ring_bytes, size_t chunk_bytes)
    : Measurement("bare/pipeline/" + std::to_string(ring_bytes) + "/" + std::to_string(chunk_bytes),
                  "B/s"),
      chunk_bytes_(chunk_bytes),
      chunks_(ring_bytes / chunk_bytes),
      positions_(&*SharedBlock<Positions>()),
      private_(kMessageBytes) {
  void* ring = mmap(nullptr, ring_bytes, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  Require(ring != MAP_FAILED, "mapping a ring");
  ring_ = static_cast<std::byte*>(ring);
}

double BarePipeline::Lead() {
  const int64_t start_ns = MonotonicNs();
  for (uint64_t message = 0; message < kMessages; ++message) {
    for (size_t at = 0; at < kMessageBytes; at += chunk_bytes_) {
      // Acquire: the chunk has been read.
      SpinUntil(
          [&] { return moved_ - positions_->emptied.load(std::memory_order_acquire) < chunks_; });
      memcpy(Chunk(moved_), private_.Data() + at, chunk_bytes_);
      positions_->filled.store(++moved_, std::memory_order_release);
    }
  }
  // The last byte counts when it has arrived.
  SpinUntil([&] { return positions_->emptied.load(std::memory_order_acquire) == moved_; });
  const double seconds = static_cast<double>(MonotonicNs() - start_ns) / kNsPerSecond;
  return static_cast<double>(kMessages * kMessageBytes) / seconds;
}

void BarePipeline::Follow() {
  for (uint64_t message = 0; message < kMessages; ++message) {
    for (size_t at = 0; at < kMessageBytes; at += chunk_bytes_) {
      // Acquire: the chunk has been written.
      SpinUntil([&] { return positions_->filled.load(std::memory_order_acquire) != moved_; });
      memcpy(private_.Data() + at, Chunk(moved_), chunk_bytes_);
      positions_->emptied.store(++moved_, std::memory_order_release);
    }
  }
}

}  // namespace tombolo::bench
