#include "bench/transport/bare_round_trip.h"

#include "transport/base/clock.h"

namespace tombolo::bench {

// All stores here are release and all loads acquire: each side hands the turn to the other one.

double BareRoundTrip::Lead() {
  const int64_t start_ns = MonotonicNs();
  for (uint64_t i = 0; i < kRoundTrips; ++i) {
    lines_->there.store(++sent_, std::memory_order_release);
    while (lines_->back.load(std::memory_order_acquire) != sent_) {
    }
  }
  return static_cast<double>(MonotonicNs() - start_ns) / static_cast<double>(kRoundTrips);
}

void BareRoundTrip::Follow() {
  for (uint64_t i = 0; i < kRoundTrips; ++i) {
    ++answered_;
    while (lines_->there.load(std::memory_order_acquire) != answered_) {
    }
    lines_->back.store(answered_, std::memory_order_release);
  }
}

}  // namespace tombolo::bench
