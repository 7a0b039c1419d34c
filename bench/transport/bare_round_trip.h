// The bare limit of latency: a number goes to the other core and comes back, each way in a cache
// line of its own with one writer. Nanoseconds per round trip.
#pragma once

#include <atomic>
#include <cstdint>

#include "bench/transport/measurement.h"
#include "bench/transport/shared_block.h"
#include "transport/base/units.h"

namespace tombolo::bench {

class BareRoundTrip final : public Measurement {
 public:
  BareRoundTrip() : Measurement("bare/round_trip", "ns") {}

  double Lead() override;
  void Follow() override;

 private:
  static constexpr uint64_t kRoundTrips = 4000;

  struct Lines {
    // Lines apart by more than one, because processors fetch neighbours together.
    alignas(4 * kCacheLineBytes) std::atomic<uint64_t> there{0};
    alignas(4 * kCacheLineBytes) std::atomic<uint64_t> back{0};
  };

  SharedBlock<Lines> lines_;
  uint64_t sent_ = 0;
  uint64_t answered_ = 0;
};

}  // namespace tombolo::bench
