#include "control/cli/v2_member.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo::control {
namespace {

constexpr int64_t kNsPerMs = kNsPerSecond / 1000;
// An interrupt is only a hint.
constexpr int64_t kLookMs = 500;

// Set by a signal handler, in this thread.
std::atomic<bool> stop_asked{false};

void AskToStop(int) { stop_asked.store(true, std::memory_order_relaxed); }

// Without SA_RESTART: a read of stdin ends too.
void ListenForSignals() {
  struct sigaction action = {};
  action.sa_handler = AskToStop;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

uint64_t FreshIncarnation() {
  std::random_device random;
  return uint64_t{random()} << 32 | random() | 1;
}

}  // namespace

// Unavailable is for who is not there; a device that is busy is.
absl::StatusOr<std::unique_ptr<V2GuestDevice>> OpenV2Device(const std::string& wanted) {
  absl::StatusOr<std::unique_ptr<V2GuestDevice>> device =
      V2GuestDevice::Open(SystemPaths(), wanted);
  if (absl::IsUnavailable(device.status())) {
    return absl::FailedPreconditionError(
        absl::StrCat("one process at a time has the device: ", device.status().message()));
  }
  return device;
}

absl::StatusOr<std::unique_ptr<V2Member>> V2Member::Join(const std::string& device) {
  absl::StatusOr<std::unique_ptr<V2GuestDevice>> opened = OpenV2Device(device);
  if (!opened.ok()) return opened.status();
  std::unique_ptr<V2Member> member(new V2Member(*std::move(opened)));
  ListenForSignals();
  auto endpoint = V2Endpoint::Start(*member->device_, FreshIncarnation());
  if (!endpoint.ok()) return endpoint.status();
  member->endpoint_ = *std::move(endpoint);
  return member;
}

absl::Status V2Member::Wait(int64_t until_ns) {
  if (stop_asked.load(std::memory_order_relaxed)) return absl::CancelledError("interrupted.");
  // Another driver may have left the device in one-shot mode.
  device_->EnableInterrupts();
  if (endpoint_->Park()) {
    Sleep(until_ns);
    endpoint_->Unpark();
  }
  endpoint_->Look();
  return absl::OkStatus();
}

void V2Member::Sleep(int64_t until_ns) {
  std::vector<pollfd> bells;
  for (uint32_t vector = 0; vector < device_->VectorCount(); ++vector) {
    bells.push_back({.fd = device_->Eventfd(vector), .events = POLLIN, .revents = 0});
  }
  const int64_t left_ms = (until_ns - MonotonicNs() + kNsPerMs - 1) / kNsPerMs;
  const auto sleep_ms = static_cast<int>(std::clamp<int64_t>(left_ms, 0, kLookMs));
  if (poll(bells.data(), bells.size(), sleep_ms) <= 0) return;
  for (const pollfd& bell : bells) {
    eventfd_t count = 0;
    if ((bell.revents & POLLIN) != 0) (void)eventfd_read(bell.fd, &count);
  }
}

}  // namespace tombolo::control
