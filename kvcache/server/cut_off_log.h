// CutOffLog: tells why readers elsewhere were cut off, a line a second at most: whoever makes
// connections to be cut off does not fill the log. Not thread-safe: one per thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "spdlog/spdlog.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {

class CutOffLog {
 public:
  void Tell(std::string_view why) {
    const int64_t now_ns = MonotonicNs();
    if (now_ns - told_at_ns_ < kTellEveryNs) {
      ++untold_;
      return;
    }
    spdlog::warn("a reader elsewhere was cut off: {} ({} others since the last line like this)",
                 why, std::exchange(untold_, 0));
    told_at_ns_ = now_ns;
  }

 private:
  static constexpr int64_t kTellEveryNs = kNsPerSecond;

  int64_t told_at_ns_ = -kTellEveryNs;
  uint64_t untold_ = 0;
};

}  // namespace tombolo::kvcache
