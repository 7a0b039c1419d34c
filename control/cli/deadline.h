// Deadline: how long a command still waits.
#pragma once

#include <cstdint>

#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::control {

// Until it is time; less than 0 seconds: for ever.
class Deadline {
 public:
  explicit Deadline(double seconds)
      : at_ns_(seconds < 0 ? INT64_MAX : MonotonicNs() + static_cast<int64_t>(seconds * 1e9)) {}

  // What is left, at most a second of eternity.
  int64_t LeftNs() const { return at_ns_ == INT64_MAX ? kNsPerSecond : at_ns_ - MonotonicNs(); }
  bool IsOver() const { return LeftNs() <= 0; }

 private:
  const int64_t at_ns_;
};

}  // namespace tombolo::control
