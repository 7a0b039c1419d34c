// Waiter: sleeps until a doorbell rings or time is up.
//
// A doorbell's eventfd may be shared by many endpoints, so nobody reads it: each waits for its
// edges with an epoll of its own, and a ring wakes them all. A doorbell may also be stolen or lost:
// every sleep has an end, which backs off from 1 ms to 1 s while nothing comes and begins anew
// after a ring.
//
// A doorbell that rings in vain a thousand times in a row is a storm: it is not heard for a while,
// and the timer alone wakes, so that whoever rings it costs us little and other doorbells nothing.
// Where endpoints share a vector, a busy one's rings are in vain for the other; that one is not
// made deaf as long as some of them are for itself.
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

  // So many rings in a row in vain within so long are a storm; then nobody listens for so long.
  static constexpr uint32_t kStormRings = 1000;
  static constexpr int64_t kStormWindowNs = 100 * kNsPerMs;
  static constexpr int64_t kDeafNs = 100 * kNsPerMs;

  // `doorbell_fd` stays the caller's and must outlive the waiter.
  static absl::StatusOr<Waiter> Create(int doorbell_fd);

  // Readable when the doorbell has rung since the last Clear() or Sleep(): for event loops of other
  // kinds.
  int Fd() const { return epoll_.Get(); }

  // Forgets rings so far. True: there were some.
  bool Clear();

  // The last ring was in vain: there was nothing to be seen. `now_ns`: MonotonicNs(). True: that
  // made a storm, which is not heard until it should be over.
  bool RangInVain(int64_t now_ns);

  // Listens again if it is time to.
  void Recover(int64_t now_ns);
  bool IsDeaf() const { return deaf_until_ns_ != 0; }

  // Sleeps until a ring, at most `limit_ns`, at most as long as the back-off allows. True: it rang.
  bool Sleep(int64_t limit_ns);

  // How long an event loop of another kind may sleep on Fd() before it looks for itself.
  int64_t BackoffNs() const { return IsDeaf() ? kFirstSleepNs : backoff_ns_; }
  void LengthenBackoff();

  // There was something to be seen: the next sleep is short, and no storm is under way.
  void WasWorthIt() {
    backoff_ns_ = kFirstSleepNs;
    vain_rings_ = 0;
  }

 private:
  Waiter(UniqueFd epoll, int doorbell_fd) : epoll_(std::move(epoll)), doorbell_fd_(doorbell_fd) {}

  UniqueFd epoll_;
  int doorbell_fd_;
  uint32_t vain_rings_ = 0;
  int64_t window_begin_ns_ = 0;
  int64_t deaf_until_ns_ = 0;
  int64_t backoff_ns_ = kFirstSleepNs;
};

}  // namespace tombolo
