#include "transport/device/simulated_device.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "transport/base/errno_status.h"
#include "transport/base/ring_eventfd.h"

namespace tombolo {

absl::StatusOr<std::shared_ptr<SimulatedRegion>> SimulatedRegion::Create(uint64_t memory_bytes,
                                                                         uint16_t slot_count,
                                                                         uint16_t vector_count) {
  absl::StatusOr<UniqueFd> fd = CreateSealedMemfd("tombolo-simulated", memory_bytes);
  if (!fd.ok()) return fd.status();
  absl::StatusOr<Mapping> memory = Mapping::Map(fd->Get(), 0, memory_bytes);
  if (!memory.ok()) return memory.status();
  std::shared_ptr<SimulatedRegion> region(
      new SimulatedRegion(*std::move(fd), *std::move(memory), vector_count));
  for (uint32_t i = 0; i < uint32_t{slot_count} * vector_count; ++i) {
    region->eventfds_.emplace_back(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!region->eventfds_.back().IsOpen()) return ErrnoStatus(errno, "make an eventfd");
  }
  return region;
}

SimulatedRegion::SimulatedRegion(UniqueFd memory_fd, Mapping memory, uint16_t vector_count)
    : memory_fd_(std::move(memory_fd)), memory_(std::move(memory)), vector_count_(vector_count) {}

int SimulatedRegion::Eventfd(uint16_t slot, uint16_t vector) const {
  if (vector >= vector_count_) return -1;
  const size_t index = size_t{slot} * vector_count_ + vector;
  return index < eventfds_.size() ? eventfds_[index].Get() : -1;
}

void SimulatedDevice::Ring(uint16_t slot, uint16_t vector) {
  const int eventfd = region_->Eventfd(slot, vector);
  if (eventfd >= 0) RingEventfd(eventfd);
}

}  // namespace tombolo
