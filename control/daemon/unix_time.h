// The wall clock, for what people read.
#pragma once

#include <chrono>
#include <cstdint>

namespace tombolo::control {

// Nanoseconds since the Unix epoch.
inline int64_t NowUnixNs() {
  using std::chrono::system_clock;
  return std::chrono::nanoseconds(system_clock::now().time_since_epoch()).count();
}

}  // namespace tombolo::control
