// ServerClock: Unix time for all shards and sessions of a server: one time, which never goes back.
// Any thread.
#pragma once

#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace tombolo::kvcache {

class ServerClock {
 public:
  // Seconds.
  uint32_t NowS() {
    timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return AtLeast(static_cast<uint32_t>(now.tv_sec));
  }

  // From now on the time is no earlier than `now_s`. Gives the time.
  uint32_t AtLeast(uint32_t now_s) {
    // Relaxed: the time orders nothing.
    uint32_t latest = latest_.load(std::memory_order_relaxed);
    while (latest < now_s &&
           !latest_.compare_exchange_weak(latest, now_s, std::memory_order_relaxed)) {
    }
    return std::max(latest, now_s);
  }

 private:
  std::atomic<uint32_t> latest_ = 0;
};

}  // namespace tombolo::kvcache
