#include "control/event_loop/watch.h"

#include <errno.h>
#include <event2/event.h>

#include <utility>

#include "transport/base/units.h"

namespace tombolo::control {
namespace {

timeval ToTimeval(int64_t duration_ns) {
  timeval result;
  result.tv_sec = duration_ns / kNsPerSecond;
  result.tv_usec = (duration_ns % kNsPerSecond) / kNsPerUs;
  return result;
}

}  // namespace

struct Watch::State : std::enable_shared_from_this<State> {
  event* registration = nullptr;
  EventCallback callback;

  static void Call(evutil_socket_t, int16_t what, void* argument) {
    const std::shared_ptr<State> self = static_cast<State*>(argument)->shared_from_this();
    self->callback(what);
  }
};

Watch& Watch::operator=(Watch&& other) noexcept {
  if (this == &other) return *this;
  Reset();
  state_ = std::move(other.state_);
  return *this;
}

void Watch::Reset() {
  if (!state_) return;
  event_free(state_->registration);
  state_.reset();
}

Watch Watch::Register(event_base* base, int fd_or_signal, int16_t flags, int64_t period_ns,
                      EventCallback callback) {
  auto state = std::make_shared<State>();
  state->callback = std::move(callback);
  state->registration = event_new(base, fd_or_signal, flags, &State::Call, state.get());
  if (!state->registration) {
    errno = ENOMEM;
    return Watch();
  }
  const timeval period = ToTimeval(period_ns);
  Watch watch;
  watch.state_ = std::move(state);
  errno = 0;
  if (event_add(watch.state_->registration, period_ns < 0 ? nullptr : &period) == 0) return watch;
  const int error = errno ? errno : EINVAL;
  watch.Reset();
  errno = error;
  return watch;
}

}  // namespace tombolo::control
