#include "mpi_btl/engine/idle_policy.h"

#include <algorithm>

namespace tombolo::mpi {

void IdlePolicy::Set(int64_t idle_ns, int64_t longest_sleep_ns, bool is_crowded) {
  idle_ns_ = longest_sleep_ns > 0 ? std::max<int64_t>(idle_ns, 0) : 0;
  longest_sleep_ns_ = longest_sleep_ns;
  polls_per_first_look_ = is_crowded ? kPollsPerLookOfSleeper : kPollsPerLook;
  Worked();
}

int64_t IdlePolicy::SleepNs(const IdleTimes& now) {
  polls_awake_ += polls_;
  polls_ = 0;
  if (!is_idle_ || !IsWaiting(now)) {
    Restart(now);
    return 0;
  }
  const int64_t idle_so_far_ns = now.wall_ns - idle_since_ns_;
  if (idle_so_far_ns < idle_ns_) return 0;
  return std::min(std::max(idle_so_far_ns / 4, kShortestSleepNs), longest_sleep_ns_);
}

void IdlePolicy::Slept(const IdleTimes& now) {
  polls_ = 0;
  polls_per_look_ = kPollsPerLookOfSleeper;
  polls_awake_ = 0;
  awake_cpu_ns_ = now.cpu_ns;
}

void IdlePolicy::Restart(const IdleTimes& now) {
  is_idle_ = true;
  polls_per_look_ = polls_per_first_look_;
  idle_since_ns_ = now.wall_ns;
  awake_cpu_ns_ = now.cpu_ns;
  polls_awake_ = 0;
}

bool IdlePolicy::IsWaiting(const IdleTimes& now) const {
  const int64_t used_ns = now.cpu_ns - awake_cpu_ns_;
  // Another thread's clock says nothing.
  return used_ns >= 0 && used_ns <= polls_awake_ * kMostCpuPerPollNs;
}

}  // namespace tombolo::mpi
