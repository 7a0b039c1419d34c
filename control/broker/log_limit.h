// LogLimit: how often somebody who is not trusted may make the daemon log. Not thread-safe.
#pragma once

#include <cstdint>

#include "transport/base/units.h"

namespace tombolo::control {

class LogLimit {
 public:
  static constexpr int64_t kPauseNs = 10 * kNsPerSecond;

  // Whether the last line is long enough ago; then this is the next one. `now_ns`: any clock that
  // does not go back.
  bool MayLog(int64_t now_ns) {
    if (has_logged_ && now_ns - last_ns_ < kPauseNs) return false;
    has_logged_ = true;
    last_ns_ = now_ns;
    return true;
  }

 private:
  bool has_logged_ = false;
  int64_t last_ns_ = 0;
};

}  // namespace tombolo::control
