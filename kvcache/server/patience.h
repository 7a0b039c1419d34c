// Patience: whether a thread that has nothing to do looks for more before it sleeps.
//
// To sleep and be woken costs both sides more than a request: the thread its way into the kernel
// and out of it, and whoever sends it something an interrupt of its core. A client that answers at
// once is back within a few microseconds. So the thread looks again and again for kLookNs, as long
// as that finds something; whenever it does not, it sleeps at once the next times, 1, 3, 7 and at
// last kMostSleeps of them, before it tries again. A thread whose clients take their time, or run
// on its own core, so wastes kLookNs of kMostSleeps sleeps; one that is idle nothing.
//
// Not thread-safe: one per thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "transport/base/units.h"

namespace tombolo::kvcache {

class Patience {
 public:
  static constexpr int64_t kLookNs = 40 * kNsPerUs;
  static constexpr uint32_t kMostSleeps = 1023;

  // Asked before each sleep. If so, either Found() or FoundNothing() follows.
  bool WantsToLook() {
    if (sleeps_left_ == 0) return true;
    --sleeps_left_;
    return false;
  }

  void Found() { sleeps_ = 0; }

  void FoundNothing() {
    sleeps_ = std::min(2 * sleeps_ + 1, kMostSleeps);
    sleeps_left_ = sleeps_;
  }

 private:
  uint32_t sleeps_ = 0;  // At once, after the last look.
  uint32_t sleeps_left_ = 0;
};

}  // namespace tombolo::kvcache
