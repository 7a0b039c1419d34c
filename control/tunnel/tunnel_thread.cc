#include "control/tunnel/tunnel_thread.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "spdlog/spdlog.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr int64_t kFirstPauseNs = 20 * kNsPerMs;
constexpr int64_t kLongestPauseNs = kNsPerSecond;
// Before it is worth a line in the log.
constexpr int64_t kQuietPauseNs = 300 * kNsPerMs;

// The broker, or the daemon behind it, is not there yet.
bool MayPass(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsNotFound(status) ||
         absl::IsDeadlineExceeded(status) || absl::IsResourceExhausted(status);
}

}  // namespace

TunnelThread::TunnelThread(TunnelOptions options, OnEnd on_end)
    : options_(std::move(options)),
      on_end_(std::move(on_end)),
      thread_([this] { on_end_(Run()); }) {}

TunnelThread::~TunnelThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (running_ != nullptr) running_->Stop();
  }
  stop_asked_.notify_all();
  thread_.join();
}

bool TunnelThread::PauseUnlessStopping(int64_t pause_ns) {
  std::unique_lock lock(mutex_);
  stop_asked_.wait_for(lock, std::chrono::nanoseconds(pause_ns), [this] { return stopping_; });
  return !stopping_;
}

absl::StatusOr<std::unique_ptr<TunnelEndpoint>> TunnelThread::Attach(EventLoop& loop) {
  int64_t pause_ns = kFirstPauseNs;
  bool told = false;
  while (true) {
    absl::StatusOr<std::unique_ptr<Endpoint>> endpoint =
        Endpoint::Attach(options_.broker_socket, options_.name);
    if (endpoint.ok()) return TunnelEndpoint::CreateWith(loop, *std::move(endpoint), options_);
    if (!MayPass(endpoint.status())) return endpoint.status();
    if (pause_ns >= kQuietPauseNs && !std::exchange(told, true)) {
      spdlog::warn("tunnels wait for the broker: {}", endpoint.status().ToString());
    }
    if (!PauseUnlessStopping(pause_ns)) return absl::CancelledError("stopped");
    pause_ns = std::min(2 * pause_ns, kLongestPauseNs);
  }
}

absl::Status TunnelThread::Run() {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  absl::StatusOr<std::unique_ptr<TunnelEndpoint>> tunnel = Attach(**loop);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return absl::OkStatus();
    if (!tunnel.ok()) return tunnel.status();
    running_ = tunnel->get();
  }
  spdlog::info("endpoint {} of slot {} is attached as '{}'.", (*tunnel)->Attached().Id().index,
               (*tunnel)->Attached().Slot(), options_.name);
  absl::Status end = (*tunnel)->Run();
  const std::lock_guard lock(mutex_);
  running_ = nullptr;
  return end;
}

}  // namespace tombolo::control
