// Waiting for another thread without sleeping: spins, lets others run, and gives up in the end, so
// that a broken build fails and does not hang.
#pragma once

#include <thread>

#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo {

inline constexpr int64_t kSpinDeadlineNs = 30 * kNsPerSecond;

// Whether `done()` came true before the deadline.
template <typename Predicate>
bool SpinUntil(Predicate done) {
  constexpr int kSpinsBeforeYield = 256;
  const int64_t deadline_ns = MonotonicNs() + kSpinDeadlineNs;
  while (true) {
    for (int i = 0; i < kSpinsBeforeYield; ++i) {
      if (done()) return true;
    }
    if (MonotonicNs() > deadline_ns) return false;
    std::this_thread::yield();
  }
}

}  // namespace tombolo
