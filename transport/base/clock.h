// The monotonic clock. Times of different kernels are never compared: a peer's clock is not ours.
#pragma once

#include <time.h>

#include <cstdint>

#include "transport/base/units.h"

namespace tombolo {

// Nanoseconds since an arbitrary point of this kernel's life (CLOCK_MONOTONIC).
inline int64_t MonotonicNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * kNsPerSecond + now.tv_nsec;
}

}  // namespace tombolo
