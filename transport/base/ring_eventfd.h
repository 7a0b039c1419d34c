// Rings a doorbell on this host: an eventfd that waiters watch edge-triggered and never read.
#pragma once

#include <errno.h>
#include <unistd.h>

#include <cstdint>

namespace tombolo {

// Never blocks, if the eventfd does not. Wakes whoever waits, also when somebody has filled the
// counter, which nobody else reads: a write that does not fit wakes nobody, so it is emptied first.
// Who looks between the two finds nothing, and is woken by the second.
inline void RingEventfd(int eventfd) {
  const uint64_t one = 1;
  if (write(eventfd, &one, sizeof(one)) >= 0 || errno != EAGAIN) return;
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t emptied = read(eventfd, &count, sizeof(count));
  [[maybe_unused]] const ssize_t written = write(eventfd, &one, sizeof(one));
}

}  // namespace tombolo
