#include "kvcache/server/epoll.h"

#include <errno.h>

#include <algorithm>

#include "transport/base/errno_status.h"

namespace tombolo::kvcache {

absl::StatusOr<Epoll> Epoll::Create() {
  UniqueFd fd(epoll_create1(EPOLL_CLOEXEC));
  if (!fd.IsOpen()) return ErrnoStatus(errno, "make an epoll descriptor");
  return Epoll(std::move(fd));
}

bool Epoll::Control(int operation, int fd, uint32_t events, void* tag) {
  epoll_event event = {.events = events | EPOLLRDHUP | EPOLLET, .data = {.ptr = tag}};
  return epoll_ctl(fd_.Get(), operation, fd, &event) == 0;
}

std::span<const epoll_event> Epoll::Wait(int timeout_ms) {
  // Below 0 after a signal: nothing has happened.
  const int count =
      epoll_wait(fd_.Get(), events_.data(), static_cast<int>(events_.size()), timeout_ms);
  return std::span(events_).first(static_cast<size_t>(std::max(count, 0)));
}

}  // namespace tombolo::kvcache
