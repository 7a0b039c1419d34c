// Watch: one registration at an EventLoop (event_loop.h). Movable; dropping it ends the
// registration. An empty Watch watches nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

struct event_base;

namespace tombolo::control {

class Watch {
 public:
  Watch() = default;
  Watch(Watch&& other) noexcept = default;
  Watch& operator=(Watch&& other) noexcept;
  ~Watch() { Reset(); }

  // Ends the registration: after this the callback is not called again.
  void Reset();

  bool IsActive() const { return state_ != nullptr; }

 private:
  friend class EventLoop;
  struct State;
  using EventCallback = std::function<void(int16_t what)>;

  // Registers with libevent's own flags (EV_READ and so on). `period_ns` below 0: no time-out.
  // Returns an empty Watch, with errno set, when the system refuses.
  static Watch Register(event_base* base, int fd_or_signal, int16_t flags, int64_t period_ns,
                        EventCallback callback);

  // Shared, because a callback may drop its own Watch while it runs.
  std::shared_ptr<State> state_;
};

}  // namespace tombolo::control
