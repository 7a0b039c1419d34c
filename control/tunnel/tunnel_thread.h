// TunnelThread: keeps a TunnelEndpoint attached and running in a thread of its own, for an agent
// that is its own broker. While the broker, or the daemon behind it, is not there, it goes on
// trying; the first failure of a row is logged.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/tunnel/tunnel_endpoint.h"

namespace tombolo::control {

class TunnelThread {
 public:
  // Called in the tunnel's thread, at most once: why it gave up, for example because an address is
  // in use.
  using OnFailure = std::function<void(const absl::Status& why)>;

  // ResourceExhausted when no thread can be had.
  static absl::StatusOr<std::unique_ptr<TunnelThread>> Start(TunnelOptions options,
                                                             OnFailure on_failure);

  // Ends all connections and waits for the thread. The broker must be serving still, or be gone:
  // the thread may be waiting for its answer.
  ~TunnelThread();
  TunnelThread(const TunnelThread&) = delete;
  TunnelThread& operator=(const TunnelThread&) = delete;

 private:
  TunnelThread(TunnelOptions options, OnFailure on_failure);

  absl::Status StartThread();
  void Serve();
  absl::Status AttachAndRun();
  void PauseUnlessStopping(int64_t pause_ns);
  bool IsStopping();

  const TunnelOptions options_;
  const OnFailure on_failure_;
  std::mutex mutex_;
  std::condition_variable stop_asked_;
  bool stopping_ = false;              // Guarded by mutex_.
  TunnelEndpoint* running_ = nullptr;  // Guarded by mutex_.
  std::thread thread_;
};

}  // namespace tombolo::control
