// EventLoop: one thread waits for descriptors, timers, signals and closures, and calls back.
//
// A thin wrapper over libevent's epoll back end. What it does not do: no buffering, no threads of
// its own, and it never reads, writes or closes a descriptor that it is given.
//
// Ownership: every registration returns a Watch; dropping the Watch ends it at once, also from
// within its own callback and also when it was due in the same turn. No Watch may outlive its loop.
// To watch another descriptor or time, assign a new Watch over the old one. Drop a Watch before the
// descriptor is closed.
//
// Thread safety: everything belongs to the thread that runs the loop (before Run: to the thread
// that will), but for Post() and Stop(), which any thread may call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/event_loop/watch.h"
#include "transport/base/unique_fd.h"

struct event_base;

namespace tombolo::control {

class EventLoop {
 public:
  // What a descriptor is ready for; a bit set.
  static constexpr unsigned kReadable = 1;
  static constexpr unsigned kWritable = 2;

  // Level: called in every turn while the descriptor is ready. Edge: called once per change, so the
  // callback reads or writes until EAGAIN. All watches of one descriptor must be of one kind.
  enum class Trigger { kLevel, kEdge };

  using Callback = std::function<void()>;
  using ReadyCallback = std::function<void(unsigned ready)>;

  // Fails when the process has no descriptors left.
  static absl::StatusOr<std::unique_ptr<EventLoop>> Create();

  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Calls `callback` with what `fd` is ready for, out of `events` (kReadable | kWritable). A
  // hang-up counts as both. Fails for what cannot be waited for, as a regular file
  // (FailedPrecondition).
  absl::StatusOr<Watch> WatchFd(int fd, unsigned events, Trigger trigger, ReadyCallback callback);

  // The usual case: level-triggered reading.
  absl::StatusOr<Watch> WatchReadable(int fd, Callback callback);

  // Calls once, `delay_ns` from now (rounded up to a millisecond).
  Watch After(int64_t delay_ns, Callback callback);

  // Calls every `period_ns`, first after one period.
  Watch Every(int64_t period_ns, Callback callback);

  // Calls in the loop's thread, not in a signal handler. One loop of a process may watch signals.
  absl::StatusOr<Watch> WatchSignal(int signal_number, Callback callback);

  // Any thread: calls `closure` once in the loop's thread, in the order of posting. Closures that
  // were posted before Run() are called by it; those that Stop() overtook are dropped with the
  // loop.
  void Post(Callback closure);

  // Calls back until Stop().
  void Run();

  // One turn: waits until something is due, calls everything that is due by then, returns.
  void RunOnce();

  // Like RunOnce, but never waits.
  void Poll();

  // Any thread: Run() returns after the closures that were posted earlier. Not lost when it comes
  // before Run().
  void Stop();

 private:
  struct BaseDeleter {
    void operator()(event_base* base) const;
  };
  using Base = std::unique_ptr<event_base, BaseDeleter>;

  EventLoop(Base base, UniqueFd wake_up);
  void RunPosted();

  Base base_;
  UniqueFd wake_up_;  // An eventfd, rung by Post().
  Watch wake_up_watch_;
  std::mutex mutex_;
  std::vector<Callback> posted_;  // Guarded by mutex_.
};

}  // namespace tombolo::control
