#include "transport/device/host_device.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "transport/base/ring_eventfd.h"

namespace tombolo {
namespace {

// A mapping beyond the end of its file is a SIGBUS at the first look.
absl::Status CheckFileBytes(int memory_fd, uint64_t memory_bytes) {
  const absl::StatusOr<uint64_t> file_bytes = FileBytes(memory_fd);
  if (!file_bytes.ok()) return file_bytes.status();
  if (*file_bytes == memory_bytes) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the region is said to have ", memory_bytes, " bytes, but its file has ",
                   *file_bytes, ": it was truncated, or is no Tombolo region. Restart tombolod."));
}

}  // namespace

absl::StatusOr<std::unique_ptr<HostDevice>> HostDevice::Map(int memory_fd, uint64_t memory_bytes,
                                                            Resolver resolver, Clock clock) {
  if (auto status = CheckFileBytes(memory_fd, memory_bytes); !status.ok()) return status;
  absl::StatusOr<Mapping> memory = Mapping::Map(memory_fd, 0, memory_bytes);
  if (!memory.ok()) return memory.status();
  return std::unique_ptr<HostDevice>(
      new HostDevice(*std::move(memory), std::move(resolver), std::move(clock)));
}

HostDevice::HostDevice(Mapping memory, Resolver resolver, Clock clock)
    : memory_(std::move(memory)), resolver_(std::move(resolver)), clock_(std::move(clock)) {}

HostDevice::~HostDevice() {
  for (std::atomic<Row*>& slot : rows_) {
    // Relaxed: nobody else is here any more.
    const std::unique_ptr<Row> row(slot.load(std::memory_order_relaxed));
    if (row == nullptr) continue;
    for (Doorbell& doorbell : *row) {
      const UniqueFd closed(doorbell.eventfd.load(std::memory_order_relaxed));
    }
  }
}

void HostDevice::Ring(uint16_t slot, uint16_t vector) {
  if (slot >= kMaxSlots || vector >= kMaxVectors) return;
  Doorbell& doorbell = Find(slot, vector);
  // Acquire: pairs with Fetch.
  int eventfd = doorbell.eventfd.load(std::memory_order_acquire);
  if (eventfd < 0) eventfd = Fetch(doorbell, slot, vector);
  if (eventfd >= 0) RingEventfd(eventfd);
}

HostDevice::Doorbell& HostDevice::Find(uint16_t slot, uint16_t vector) {
  // Acquire: pairs with the release below.
  Row* row = rows_[slot].load(std::memory_order_acquire);
  if (row == nullptr) {
    const std::lock_guard lock(mutex_);
    row = rows_[slot].load(std::memory_order_relaxed);  // Relaxed: under the lock.
    if (row == nullptr) {
      row = std::make_unique<Row>().release();  // Deleted by the destructor.
      rows_[slot].store(row, std::memory_order_release);
    }
  }
  return (*row)[vector];
}

int HostDevice::Fetch(Doorbell& doorbell, uint16_t slot, uint16_t vector) {
  // Relaxed: a stale value only delays or repeats one attempt.
  if (clock_() < doorbell.retry_at_ns.load(std::memory_order_relaxed)) return -1;
  const std::lock_guard lock(mutex_);
  const int raced = doorbell.eventfd.load(std::memory_order_relaxed);  // Relaxed: under the lock.
  if (raced >= 0) return raced;
  if (clock_() < doorbell.retry_at_ns.load(std::memory_order_relaxed)) return -1;
  absl::StatusOr<UniqueFd> fetched = resolver_(slot, vector);
  if (!fetched.ok() || !fetched->IsOpen()) {
    doorbell.retry_at_ns.store(clock_() + kRetryNs, std::memory_order_relaxed);
    return -1;
  }
  const int eventfd = fetched->Release();
  doorbell.eventfd.store(eventfd, std::memory_order_release);
  return eventfd;
}

}  // namespace tombolo
