// HostDevice: the region as a process on the host sees it: a memfd, and one eventfd per doorbell.
//
// Eventfds are fetched from the broker one by one, when a doorbell is first rung, and kept: 256
// doorbells per process that never rings most of them would cost thousands of descriptors. A fetch
// that fails is tried again only after kRetryNs, so that ringing somebody who left is cheap.
//
// Thread safety: Ring() from any thread. The resolver is called by one thread at a time, under a
// lock of this device, so it must not ring.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "transport/base/clock.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"
#include "transport/device/device.h"
#include "transport/device/mapping.h"

namespace tombolo {

class HostDevice final : public Device {
 public:
  // Gives the eventfd of (slot, vector).
  using Resolver = std::function<absl::StatusOr<UniqueFd>(uint16_t slot, uint16_t vector)>;
  using Clock = std::function<int64_t()>;

  static constexpr int64_t kRetryNs = kNsPerSecond;

  // Maps `memory_fd`, which may be closed afterwards. FailedPrecondition: it has not exactly
  // `memory_bytes`. That it does not shrink later is the business of its seals.
  static absl::StatusOr<std::unique_ptr<HostDevice>> Map(int memory_fd, uint64_t memory_bytes,
                                                         Resolver resolver,
                                                         Clock clock = MonotonicNs);
  ~HostDevice() override;

  std::span<std::byte> Memory() override { return memory_.Bytes(); }
  MemoryType Type() const override { return MemoryType::kWriteBack; }

  // Slots and vectors from 256 up do not exist; ringing them does nothing.
  void Ring(uint16_t slot, uint16_t vector) override;

 private:
  static constexpr size_t kMaxSlots = 256;
  static constexpr size_t kMaxVectors = 256;

  struct Doorbell {
    std::atomic<int> eventfd{-1};  // Set once, then kept for the device's life.
    std::atomic<int64_t> retry_at_ns{0};
  };
  using Row = std::array<Doorbell, kMaxVectors>;

  HostDevice(Mapping memory, Resolver resolver, Clock clock);

  Doorbell& Find(uint16_t slot, uint16_t vector);
  int Fetch(Doorbell& doorbell, uint16_t slot, uint16_t vector);

  Mapping memory_;
  const Resolver resolver_;
  const Clock clock_;
  std::mutex mutex_;  // Guards growing: rows_ and fetches.
  std::array<std::atomic<Row*>, kMaxSlots> rows_{};
};

}  // namespace tombolo
