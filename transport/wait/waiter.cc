#include "transport/wait/waiter.h"

#include <errno.h>
#include <sys/epoll.h>

#include <algorithm>

#include "transport/base/errno_status.h"

namespace tombolo {

namespace {

absl::Status Listen(int epoll_fd, int doorbell_fd) {
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = 0}};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, doorbell_fd, &event) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "wait for a doorbell");
}

}  // namespace

absl::StatusOr<Waiter> Waiter::Create(int doorbell_fd) {
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.IsOpen()) return ErrnoStatus(errno, "make an epoll instance");
  if (auto status = Listen(epoll.Get(), doorbell_fd); !status.ok()) return status;
  return Waiter(std::move(epoll), doorbell_fd);
}

bool Waiter::Clear() {
  epoll_event event;
  return epoll_wait(epoll_.Get(), &event, 1, 0) > 0;
}

bool Waiter::RangInVain(int64_t now_ns) {
  if (now_ns - window_begin_ns_ > kStormWindowNs) {
    window_begin_ns_ = now_ns;
    vain_rings_ = 0;
  }
  if (++vain_rings_ < kStormRings || IsDeaf()) return false;
  vain_rings_ = 0;
  if (epoll_ctl(epoll_.Get(), EPOLL_CTL_DEL, doorbell_fd_, nullptr) != 0) return false;
  deaf_until_ns_ = now_ns + kDeafNs;
  return true;
}

void Waiter::Recover(int64_t now_ns) {
  if (!IsDeaf() || now_ns < deaf_until_ns_) return;
  // Should it fail, the timer goes on alone and it is tried again.
  if (!Listen(epoll_.Get(), doorbell_fd_).ok()) return;
  deaf_until_ns_ = 0;
}

bool Waiter::Sleep(int64_t limit_ns) {
  const int64_t sleep_ns = std::clamp<int64_t>(limit_ns, 0, BackoffNs());
  const timespec timeout{.tv_sec = sleep_ns / kNsPerSecond, .tv_nsec = sleep_ns % kNsPerSecond};
  epoll_event event;
  const int ready = epoll_pwait2(epoll_.Get(), &event, 1, &timeout, nullptr);
  if (ready > 0) {
    backoff_ns_ = kFirstSleepNs;
    return true;
  }
  LengthenBackoff();
  return false;
}

void Waiter::LengthenBackoff() { backoff_ns_ = std::min(2 * backoff_ns_, kLongestSleepNs); }

}  // namespace tombolo
