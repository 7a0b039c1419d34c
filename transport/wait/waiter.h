// Waiter: sleeps until a doorbell rings or time is up.
//
// A doorbell's eventfd may be shared by many endpoints, so nobody reads it: each waits for its
// edges with an epoll of its own, and a ring wakes them all. A doorbell may also be stolen or lost:
// every sleep has an end, which backs off from 1 ms to 1 s while nothing comes and begins anew
// after a ring.
//
// Who may sleep is not decided here: transport/channel parks its links and arms first, then looks
// again. Not thread-safe.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"

namespace tombolo {

class Waiter {
 public:
  static constexpr int64_t kFirstSleepNs = kNsPerMs;
  static constexpr int64_t kLongestSleepNs = kNsPerSecond;

  // `doorbell_fd` stays the caller's and must outlive the waiter.
  static absl::StatusOr<Waiter> Create(int doorbell_fd);

  // Readable when the doorbell has rung since the last Clear() or Sleep(): for event loops of other
  // kinds.
  int Fd() const { return epoll_.Get(); }

  // Forgets rings so far.
  void Clear();

  // Sleeps until a ring, at most `limit_ns`, at most as long as the back-off allows. True: it rang.
  bool Sleep(int64_t limit_ns);

  // How long an event loop of another kind may sleep on Fd() before it looks for itself.
  int64_t BackoffNs() const { return backoff_ns_; }
  void LengthenBackoff();
  void ResetBackoff() { backoff_ns_ = kFirstSleepNs; }

 private:
  explicit Waiter(UniqueFd epoll) : epoll_(std::move(epoll)) {}

  UniqueFd epoll_;
  int64_t backoff_ns_ = kFirstSleepNs;
};

}  // namespace tombolo
