// TimedNs: how long something takes, when it is done often and has been done a few times before.
#pragma once

#include <cstdint>

#include "transport/base/clock.h"

namespace tombolo::bench {

// Nanoseconds that each of `count` calls of `once` takes.
template <typename Once>
double TimedNs(int count, Once once) {
  const int warm_up = 1 + count / 8;
  for (int i = 0; i < warm_up; ++i) once();
  const int64_t begin_ns = MonotonicNs();
  for (int i = 0; i < count; ++i) once();
  return static_cast<double>(MonotonicNs() - begin_ns) / count;
}

}  // namespace tombolo::bench
