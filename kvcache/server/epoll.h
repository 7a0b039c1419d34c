// Epoll: the sockets that a thread waits for. Edge-triggered: an event tells that something has
// changed, once. Whoever is told so reads, or writes, until there is no more, and is told anew of
// what comes later. So a socket that was read empty is not looked at again by the kernel.
//
// Not libevent (event.h), which has no word for the events that come with the end of a connection:
// there one that was read empty before its end was seen would be forgotten.
//
// A socket that is closed is no longer among them. Not thread-safe: one for each thread.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"

namespace tombolo::kvcache {

class Epoll {
 public:
  static absl::StatusOr<Epoll> Create();

  // `events`: EPOLLIN and so on; the end of the other side is told of too. `tag`: what each event
  // of `fd` has in its data.ptr. False: there is no memory, or no room among watched descriptors.
  bool Add(int fd, uint32_t events, void* tag) { return Control(EPOLL_CTL_ADD, fd, events, tag); }

  // Other events of a descriptor that was added; those that are true now are told of anew.
  bool Change(int fd, uint32_t events, void* tag) {
    return Control(EPOLL_CTL_MOD, fd, events, tag);
  }

  // What has happened, once something has; one event of a descriptor at most. They are there until
  // the next call. `timeout_ms` 0: does not wait; below 0: as long as it takes.
  std::span<const epoll_event> Wait(int timeout_ms);

 private:
  // At once: so many clients have their requests run before the first of them is answered. With 64
  // it is no faster, one by one it is a tenth slower.
  static constexpr size_t kMostEvents = 16;

  explicit Epoll(UniqueFd fd) : fd_(std::move(fd)) {}

  bool Control(int operation, int fd, uint32_t events, void* tag);

  UniqueFd fd_;
  std::array<epoll_event, kMostEvents> events_ = {};
};

}  // namespace tombolo::kvcache
