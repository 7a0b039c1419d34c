#include "mpi_btl/engine/region_memory.h"

#include <iterator>

#include "transport/base/units.h"
#include "transport/endpoint/membership_view.h"

namespace tombolo::mpi {
namespace {

// Bulk pools grow while half of the region is free (transport/channel/bulk_pool.cc): an eighth more
// than that is left to them.
uint32_t ExtentsToLeave(uint32_t extents) { return extents / 2 + extents / 8; }

}  // namespace

RegionMemory::RegionMemory(Channel& channel) : channel_(channel), region_(channel.SharedRegion()) {}

std::byte* RegionMemory::Allocate(size_t bytes) {
  // There the processor raises SIGBUS at what compilers make of ordinary code.
  if (region_.Type() == MemoryType::kDevice) return nullptr;
  const uint64_t leave = ExtentsToLeave(region_.Parts().extent_count);
  if (bytes / kExtentBytes + 1 + leave > channel_.CountFreeExtents()) return nullptr;
  const absl::StatusOr<RegionBuffer> buffer = channel_.Allocate(bytes);
  if (!buffer.ok()) return nullptr;
  allocations_[reinterpret_cast<uintptr_t>(buffer->bytes.data())] = *buffer;
  return buffer->bytes.data();
}

bool RegionMemory::Free(std::byte* memory) {
  const auto found = allocations_.find(reinterpret_cast<uintptr_t>(memory));
  if (found == allocations_.end()) return false;
  const bool freed = channel_.Free(found->second).ok();
  allocations_.erase(found);
  return freed;
}

std::optional<MemoryHandle> RegionMemory::HandleOf(const std::byte* memory, size_t bytes) const {
  const auto address = reinterpret_cast<uintptr_t>(memory);
  const auto after = allocations_.upper_bound(address);
  if (after == allocations_.begin()) return std::nullopt;
  const auto& [first_address, buffer] = *std::prev(after);
  const uintptr_t offset = address - first_address;
  if (offset > buffer.bytes.size() || bytes > buffer.bytes.size() - offset) return std::nullopt;
  const EndpointId self = channel_.Self();
  // Relaxed: this endpoint wrote the word; a peer that changed it makes its own operations fail.
  const ExtentWord head =
      UnpackExtentWord(region_.ExtentMap()[buffer.first_extent].load(std::memory_order_relaxed));
  return MemoryHandle{.kind = MemoryKind::kRegion,
                      .place = buffer.first_extent,
                      .generation = head.generation,
                      .owner_index = self.index,
                      .owner_incarnation = self.incarnation,
                      .extents_address = ExtentsAddress()};
}

std::optional<ExtentWord> RegionMemory::HeadOf(const MemoryHandle& handle, EndpointId owner) const {
  const std::span<SharedU64> map = region_.ExtentMap();
  if (handle.place >= map.size()) return std::nullopt;
  // seq_cst, and so acquire: what is read of the run afterwards is not older than its owner.
  const ExtentWord head = UnpackExtentWord(map[handle.place].load(std::memory_order_seq_cst));
  if (head.state != ExtentState::kHead || head.kind != ExtentKind::kMemory ||
      head.owner != owner.index || head.generation != handle.generation ||
      head.length > map.size() - handle.place || !IsLive(region_, owner)) {
    return std::nullopt;
  }
  return head;
}

std::byte* RegionMemory::Reach(const MemoryHandle& handle, EndpointId owner, uint64_t address,
                               uint64_t bytes) const {
  const std::optional<ExtentWord> head = HeadOf(handle, owner);
  if (!head) return nullptr;
  const uint64_t run_offset = uint64_t{handle.place} * kExtentBytes;
  const uint64_t run_bytes = uint64_t{head->length} * kExtentBytes;
  // What lies before the run wraps around to a large offset.
  const uint64_t offset = address - handle.extents_address - run_offset;
  if (offset > run_bytes || bytes > run_bytes - offset) return nullptr;
  return region_.Extent(handle.place) + offset;
}

bool RegionMemory::StillReachable(const MemoryHandle& handle, EndpointId owner) {
  // SUBTLE: a seq_cst store is not passed by the reads before it, nor by the seq_cst load after it.
  // Without it a processor may look at the owner first and read then.
  last_look_.store(handle.place, std::memory_order_seq_cst);
  return HeadOf(handle, owner).has_value();
}

}  // namespace tombolo::mpi
