// V2Member: `tombolo v2` as a peer of this guest's ivshmem v2 device: the device, opened, an
// endpoint of transport/v2 on it, and a sleep that its interrupts end. One process of a guest at a
// time has the device.
//
// From Join() on SIGINT and SIGTERM end the process only by the error of Wait(), so that the
// others are told that this peer has gone: a process that is killed stays in the state table.
// Not thread-safe; one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/device/v2/v2_guest_device.h"
#include "transport/v2/v2_endpoint.h"

namespace tombolo::control {

// Opens the device, for `tombolo v2`. FailedPrecondition when another process has it; else errors
// as V2GuestDevice::Open().
absl::StatusOr<std::unique_ptr<V2GuestDevice>> OpenV2Device(const std::string& wanted);

class V2Member {
 public:
  // `device` as V2GuestDevice::Open() has it. Errors are those of OpenV2Device() and V2Endpoint.
  static absl::StatusOr<std::unique_ptr<V2Member>> Join(const std::string& device);

  V2Endpoint& Endpoint() { return *endpoint_; }
  uint32_t PeerCount() const { return device_->Sections().peer_count; }

  // Sleeps until an interrupt, a time of MonotonicNs(), or a while, and looks who is there.
  // Cancelled: this process is to end.
  absl::Status Wait(int64_t until_ns);

 private:
  explicit V2Member(std::unique_ptr<V2GuestDevice> device) : device_(std::move(device)) {}
  void Sleep(int64_t until_ns);

  const std::unique_ptr<V2GuestDevice> device_;
  std::unique_ptr<V2Endpoint> endpoint_;
};

}  // namespace tombolo::control
