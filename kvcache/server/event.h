// Event and EventBase: libevent's objects, freed at the end of their life.
//
// An Event is one registration: a descriptor, a timer or a signal, with a plain function to call.
// It may be added and deleted any number of times; deleting one that is not there is nothing. It
// calls back in the thread that runs its base.
#pragma once

#include <event2/event.h>

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"

namespace tombolo::kvcache {

struct EventBaseDeleter {
  void operator()(event_base* base) const { event_base_free(base); }
};
using EventBase = std::unique_ptr<event_base, EventBaseDeleter>;

// One for each thread; nothing of it may be touched by another one.
absl::StatusOr<EventBase> MakeEventBase();

class Event {
 public:
  using Callback = void (*)(evutil_socket_t fd, int16_t what, void* argument);

  Event() = default;

  // `fd`: -1 for a timer, a signal's number with EV_SIGNAL. `what`: libevent's flags.
  Event(event_base* base, int fd, int16_t what, Callback callback, void* argument)
      : event_(event_new(base, fd, what, callback, argument)) {}

  // False: there is no memory, or no room among the watched descriptors. `delay_ns` below 0: no
  // time-out.
  bool Add(int64_t delay_ns = -1);
  void Delete();

  explicit operator bool() const { return event_ != nullptr; }

 private:
  struct Deleter {
    void operator()(event* one) const { event_free(one); }
  };
  std::unique_ptr<event, Deleter> event_;
};

}  // namespace tombolo::kvcache
