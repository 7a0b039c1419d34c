#include "kvcache/server/watch_rounds.h"

#include <algorithm>

#include "kvcache/server/connection.h"
#include "transport/base/clock.h"

namespace tombolo::kvcache {

void WatchRounds::Look() {
  if (IsIdle()) return;
  const int64_t now_ns = MonotonicNs();
  if (now_ns < next_ns_) return;
  next_ns_ = now_ns + kEveryNs;
  is_awake_ = false;
  // A copy: each may end itself, and nobody else. Those that were told something wake this again.
  const std::vector<Connection*> connections = connections_;
  for (Connection* connection : connections) connection->TellNews();
}

int WatchRounds::MsUntilDue() const {
  if (IsIdle()) return -1;
  const int64_t left_ns = std::max<int64_t>(next_ns_ - MonotonicNs(), 0);
  return static_cast<int>((left_ns + kNsPerMs - 1) / kNsPerMs);
}

}  // namespace tombolo::kvcache
