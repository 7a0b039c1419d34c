#include "control/event_loop/errands.h"

#include <deque>
#include <mutex>
#include <utility>

namespace tombolo::control {

struct Errands::Queue {
  // The one that waits longest; null when there is none.
  Errand Take() {
    const std::lock_guard lock(mutex);
    if (waiting.empty()) return nullptr;
    Errand errand = std::move(waiting.front());
    waiting.pop_front();
    return errand;
  }

  bool Add(Errand& errand) {
    const std::lock_guard lock(mutex);
    if (!is_stopped) waiting.push_back(std::move(errand));
    return !is_stopped;
  }

  void Close() {
    const std::lock_guard lock(mutex);
    is_stopped = true;
  }

  std::mutex mutex;  // Guards the rest. No errand is called under it.
  std::deque<Errand> waiting;
  bool is_stopped = false;
};

Errands::Errands(EventLoop& loop, absl::Status stopped)
    : loop_(loop), stopped_(std::move(stopped)), queue_(std::make_shared<Queue>()) {}

void Errands::Run(Errand errand) {
  if (!queue_->Add(errand)) return errand(stopped_);
  loop_.Post([queue = queue_] {
    if (const Errand next = queue->Take()) next(absl::OkStatus());
  });
}

void Errands::Stop() {
  queue_->Close();
  while (const Errand next = queue_->Take()) next(stopped_);
}

}  // namespace tombolo::control
