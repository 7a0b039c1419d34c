// Heartbeat: the event loop says once a second that it turns, and what only it may look at. Other
// threads learn from it whether the daemon still does its work, without waiting for it.
//
// Thread safety: all functions.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "transport/base/units.h"

namespace tombolo::control {

struct Beat {
  int64_t at_ns = 0;            // Of the monotonic clock.
  uint32_t dead_endpoints = 0;  // Whose memory waits until everybody has let go of it.
  uint32_t services = 0;
};

class Heartbeat {
 public:
  static constexpr int64_t kPeriodNs = kNsPerSecond;
  // Older than this, the loop hangs. Zeroing memory of the dead takes it a hundredth of a second.
  static constexpr int64_t kStuckNs = 5 * kPeriodNs;

  void Set(const Beat& beat) {
    const std::lock_guard<std::mutex> lock(mutex_);
    last_ = beat;
  }

  // Nothing before the first one: the daemon is starting.
  std::optional<Beat> Last() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return last_;
  }

 private:
  mutable std::mutex mutex_;
  std::optional<Beat> last_;
};

}  // namespace tombolo::control
