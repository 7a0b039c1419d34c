// TunnelThread: a TunnelEndpoint in a thread of its own, for an agent that is its own broker. It
// attaches as soon as the broker answers, and says in the log when that takes long.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "absl/status/status.h"
#include "control/tunnel/tunnel_endpoint.h"

namespace tombolo::control {

class TunnelThread {
 public:
  // Called once, in the tunnel's thread: OK after the destructor asked for the end, Unavailable
  // when the broker is gone, else why it could not begin (for example: the address is in use).
  using OnEnd = std::function<void(const absl::Status& why)>;

  TunnelThread(TunnelOptions options, OnEnd on_end);

  // Stops the tunnel and waits for its thread, which may itself be waiting for the broker's answer:
  // at most 10 s.
  ~TunnelThread();

 private:
  absl::Status Run();
  absl::StatusOr<std::unique_ptr<TunnelEndpoint>> Attach(EventLoop& loop);
  bool PauseUnlessStopping(int64_t pause_ns);

  const TunnelOptions options_;
  const OnEnd on_end_;
  std::mutex mutex_;
  std::condition_variable stop_asked_;
  bool stopping_ = false;              // Guarded by mutex_.
  TunnelEndpoint* running_ = nullptr;  // Guarded by mutex_.
  std::thread thread_;
};

}  // namespace tombolo::control
