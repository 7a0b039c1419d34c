#include "control/agent/endpoint_thread.h"

#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "spdlog/spdlog.h"

namespace tombolo::control {
namespace {

constexpr std::chrono::seconds kRetryDelay(1);

}  // namespace

EndpointThread::EndpointThread(std::string broker_socket)
    : broker_socket_(std::move(broker_socket)), thread_([this] { Serve(); }) {}

EndpointThread::~EndpointThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (endpoint_ != nullptr) endpoint_->Stop();
  }
  wake_up_.notify_all();
  thread_.join();
}

void EndpointThread::Serve() {
  absl::Status last;
  do {
    const absl::Status status = AttachAndRun();
    if (!status.ok() && last.ok()) {
      spdlog::warn("this agent answers nobody yet, and goes on trying: {}", status.ToString());
    }
    last = status;
  } while (WaitBeforeRetry());
}

absl::Status EndpointThread::AttachAndRun() {
  absl::StatusOr<std::unique_ptr<AgentEndpoint>> attached = AgentEndpoint::Attach(broker_socket_);
  if (!attached.ok()) return attached.status();
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return absl::OkStatus();
    endpoint_ = *std::move(attached);
  }
  endpoint_->Run();
  const std::lock_guard lock(mutex_);
  endpoint_.reset();
  return absl::OkStatus();
}

// False: stop.
bool EndpointThread::WaitBeforeRetry() {
  std::unique_lock lock(mutex_);
  return !wake_up_.wait_for(lock, kRetryDelay, [this] { return stopping_; });
}

}  // namespace tombolo::control
