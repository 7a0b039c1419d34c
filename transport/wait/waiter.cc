#include "transport/wait/waiter.h"

#include <errno.h>
#include <sys/epoll.h>

#include <algorithm>

#include "transport/base/errno_status.h"

namespace tombolo {

absl::StatusOr<Waiter> Waiter::Create(int doorbell_fd) {
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.IsOpen()) return ErrnoStatus(errno, "make an epoll instance");
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = 0}};
  if (epoll_ctl(epoll.Get(), EPOLL_CTL_ADD, doorbell_fd, &event) != 0) {
    return ErrnoStatus(errno, "wait for a doorbell");
  }
  return Waiter(std::move(epoll));
}

void Waiter::Clear() {
  epoll_event event;
  epoll_wait(epoll_.Get(), &event, 1, 0);
}

bool Waiter::Sleep(int64_t limit_ns) {
  const int64_t sleep_ns = std::clamp<int64_t>(limit_ns, 0, backoff_ns_);
  const timespec timeout{.tv_sec = sleep_ns / kNsPerSecond, .tv_nsec = sleep_ns % kNsPerSecond};
  epoll_event event;
  const int ready = epoll_pwait2(epoll_.Get(), &event, 1, &timeout, nullptr);
  if (ready > 0) {
    ResetBackoff();
    return true;
  }
  LengthenBackoff();
  return false;
}

void Waiter::LengthenBackoff() { backoff_ns_ = std::min(2 * backoff_ns_, kLongestSleepNs); }

}  // namespace tombolo
