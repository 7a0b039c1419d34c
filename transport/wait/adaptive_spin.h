// AdaptiveSpin: how long to look again and again before going to sleep.
//
// A message that comes while we look costs its reader one cache line; one that comes to a sleeper
// costs a system call on both sides. So looking pays as long as messages come within about the time
// that going to sleep and waking would take. The budget doubles when looking paid off, or would
// have, and halves when it did not: an endpoint that waits for long soon hardly looks at all.
// Not thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>

#include "transport/base/units.h"

namespace tombolo {

class AdaptiveSpin {
 public:
  static constexpr int64_t kMostNs = 50 * kNsPerUs;
  static constexpr int64_t kLeastNs = kNsPerUs;

  int64_t BudgetNs() const { return budget_ns_; }

  // Something came while we looked.
  void PaidOff() { budget_ns_ = std::min(2 * budget_ns_, kMostNs); }

  // Nothing came, and then we slept for `slept_ns`.
  void Slept(int64_t slept_ns) {
    if (slept_ns < kMostNs) {
      PaidOff();
    } else {
      budget_ns_ = std::max(budget_ns_ / 2, kLeastNs);
    }
  }

 private:
  int64_t budget_ns_ = kMostNs;
};

}  // namespace tombolo
