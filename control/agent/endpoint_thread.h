// EndpointThread: keeps an AgentEndpoint attached and served in a thread of its own, trying again
// while the broker or the daemon behind it is not there.
//
// The first failure of a row is logged. Thread safety: the thread that made it.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "control/agent/agent_endpoint.h"

namespace tombolo::control {

class EndpointThread {
 public:
  explicit EndpointThread(std::string broker_socket);

  // Stops serving and waits for the thread. The broker must be serving still, or be gone.
  ~EndpointThread();
  EndpointThread(const EndpointThread&) = delete;
  EndpointThread& operator=(const EndpointThread&) = delete;

 private:
  void Serve();
  absl::Status AttachAndRun();
  bool WaitBeforeRetry();

  const std::string broker_socket_;
  std::mutex mutex_;
  std::condition_variable wake_up_;
  bool stopping_ = false;                    // Guarded by mutex_.
  std::unique_ptr<AgentEndpoint> endpoint_;  // Guarded by mutex_; served without it.
  std::thread thread_;
};

}  // namespace tombolo::control
