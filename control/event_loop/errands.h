// Errands: what other threads want done in the loop's thread, and wait for. Unlike closures that
// were posted, none of them is ever forgotten: an errand that the loop does not come to is called
// with the reason.
//
// Thread safety: Run() from any thread; the rest in the loop's thread, or when the loop stands
// still.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "control/event_loop/event_loop.h"

namespace tombolo::control {

class Errands {
 public:
  // Called once: in the loop's thread with a good status, to do what there is to do, or in any
  // thread with another, to tell whoever waits.
  using Errand = std::function<void(const absl::Status& status)>;

  // `loop` must outlive it. `stopped`: why nothing is done any more after Stop().
  Errands(EventLoop& loop, absl::Status stopped);

  // Stop().
  ~Errands() { Stop(); }
  Errands(const Errands&) = delete;
  Errands& operator=(const Errands&) = delete;

  void Run(Errand errand);

  // Calls all that wait, and from then on everyone, with the reason.
  void Stop();

 private:
  struct Queue;

  EventLoop& loop_;
  const absl::Status stopped_;
  const std::shared_ptr<Queue> queue_;  // Also of the closures in the loop, which may outlive us.
};

}  // namespace tombolo::control
