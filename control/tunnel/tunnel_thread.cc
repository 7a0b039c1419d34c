#include "control/tunnel/tunnel_thread.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "spdlog/spdlog.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr int64_t kFirstPauseNs = 20 * kNsPerMs;
constexpr int64_t kLongestPauseNs = kNsPerSecond;

// The broker, or the daemon behind it, is not there yet, or not any more.
bool MayPass(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsNotFound(status) ||
         absl::IsDeadlineExceeded(status) || absl::IsResourceExhausted(status);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TunnelThread>> TunnelThread::Start(TunnelOptions options,
                                                                  OnFailure on_failure) {
  std::unique_ptr<TunnelThread> made(new TunnelThread(std::move(options), std::move(on_failure)));
  if (absl::Status status = made->StartThread(); !status.ok()) return status;
  return made;
}

TunnelThread::TunnelThread(TunnelOptions options, OnFailure on_failure)
    : options_(std::move(options)), on_failure_(std::move(on_failure)) {}

absl::Status TunnelThread::StartThread() {
  // The standard library reports by an exception; it ends here.
  try {
    thread_ = std::thread([this] { Serve(); });
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no thread can be had for the tunnels: ", error.what(),
                     ". Raise the limit of processes (`ulimit -u`, or pids.max of the cgroup)."));
  }
  return absl::OkStatus();
}

TunnelThread::~TunnelThread() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (running_ != nullptr) running_->Stop();
  }
  stop_asked_.notify_all();
  thread_.join();
}

bool TunnelThread::IsStopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void TunnelThread::PauseUnlessStopping(int64_t pause_ns) {
  std::unique_lock lock(mutex_);
  stop_asked_.wait_for(lock, std::chrono::nanoseconds(pause_ns), [this] { return stopping_; });
}

void TunnelThread::Serve() {
  int64_t pause_ns = kFirstPauseNs;
  while (!IsStopping()) {
    const absl::Status end = AttachAndRun();
    if (IsStopping()) return;
    if (!MayPass(end)) return on_failure_(end);
    // The first failure at start is normal: the broker is about to begin.
    if (pause_ns == 2 * kFirstPauseNs) {
      spdlog::warn("tunnels wait for the broker: {}", end.ToString());
    }
    PauseUnlessStopping(pause_ns);
    pause_ns = std::min(2 * pause_ns, kLongestPauseNs);
  }
}

absl::Status TunnelThread::AttachAndRun() {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  absl::StatusOr<std::unique_ptr<TunnelEndpoint>> tunnel = TunnelEndpoint::Create(**loop, options_);
  if (!tunnel.ok()) return tunnel.status();
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return absl::OkStatus();
    running_ = tunnel->get();
  }
  spdlog::info("endpoint {} of slot {} is attached as '{}'", (*tunnel)->Attached().Id().index,
               (*tunnel)->Attached().Slot(), options_.name);
  absl::Status end = (*tunnel)->Run();
  const std::lock_guard lock(mutex_);
  running_ = nullptr;
  return end;
}

}  // namespace tombolo::control
