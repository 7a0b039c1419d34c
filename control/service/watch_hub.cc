#include "control/service/watch_hub.h"

#include <string>

namespace tombolo::control {

WatchHub::WatchHub(MembershipView& view, size_t max_streams)
    : view_(view), max_streams_(max_streams), thread_([this] { Run(); }) {
  listener_ = view_.AddListener([this] {
    const std::lock_guard<std::mutex> lock(wake_mutex_);
    event_waits_ = true;
    wake_.notify_one();
  });
}

WatchHub::~WatchHub() {
  Stop();
  view_.RemoveListener(listener_);
  {
    const std::lock_guard<std::mutex> lock(wake_mutex_);
    quit_ = true;
    wake_.notify_one();
  }
  thread_.join();
  std::unique_lock<std::mutex> lock(mutex_);
  all_done_.wait(lock, [this] { return watchers_.empty(); });
}

grpc::Status WatchHub::Admit(Watcher* watcher) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const grpc::Status judgement = JudgeLocked();
  watchers_.insert(watcher);
  return judgement;
}

void WatchHub::Stop() {
  const std::lock_guard<std::mutex> lock(mutex_);
  stopping_ = true;
  const grpc::Status stopped(grpc::StatusCode::UNAVAILABLE,
                             "tombolod is stopping. Ask again with the last revision.");
  for (Watcher* watcher : watchers_) watcher->End(stopped);
}

grpc::Status WatchHub::JudgeLocked() const {
  if (stopping_) return {grpc::StatusCode::UNAVAILABLE, "tombolod is stopping."};
  if (watchers_.size() >= max_streams_) {
    return {grpc::StatusCode::RESOURCE_EXHAUSTED,
            "there are " + std::to_string(watchers_.size()) + " watchers, and no more than " +
                std::to_string(max_streams_) + " may be. End some, then ask again."};
  }
  return grpc::Status::OK;
}

void WatchHub::Forget(Watcher* watcher) {
  const std::lock_guard<std::mutex> lock(mutex_);
  watchers_.erase(watcher);
  all_done_.notify_all();
}

void WatchHub::Run() {
  for (;;) {
    {
      std::unique_lock<std::mutex> lock(wake_mutex_);
      wake_.wait(lock, [this] { return event_waits_ || quit_; });
      if (quit_) return;
      event_waits_ = false;
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    for (Watcher* watcher : watchers_) watcher->Advance();
  }
}

}  // namespace tombolo::control
