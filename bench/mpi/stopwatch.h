// TimedNs: how long something takes, when it is done often and has been done as often before.
#pragma once

#include <cstdint>

#include "transport/base/clock.h"

namespace tombolo::bench {

// Nanoseconds that each of `count` calls of `once` takes.
//
// It is done as often before the clock runs: what was measured in between, over other transports,
// has taken the caches, and what large messages go through comes back to them only by and by.
template <typename Once>
double TimedNs(int count, Once once) {
  for (int i = 0; i < count; ++i) once();
  const int64_t begin_ns = MonotonicNs();
  for (int i = 0; i < count; ++i) once();
  return static_cast<double>(MonotonicNs() - begin_ns) / count;
}

}  // namespace tombolo::bench
