#include "mpi_btl/engine/region_memory.h"

#include <algorithm>
#include <iterator>

#include "transport/base/memory_type.h"
#include "transport/base/units.h"
#include "transport/endpoint/membership_view.h"
#include "transport/region/region_copy.h"

namespace tombolo::mpi {
namespace {

// A look at the map reads all of it. So it is good for this part of what it finds to spare, and
// costs little beside the zeroing of as much memory; other ranks claim meanwhile, but not much.
constexpr uint32_t kPartsOfSpare = 64;

// Bulk pools grow while half of the region is free (transport/channel/bulk_pool.cc): an eighth more
// than that is left to them.
uint32_t ExtentsToLeave(uint32_t extents) { return extents / 2 + extents / 8; }

}  // namespace

RegionMemory::RegionMemory(const Region& region, EndpointId self)
    : region_(region), extents_(region.ExtentMap()), self_(self) {}

std::span<std::byte> RegionMemory::Extents() const {
  return {region_.Extent(0), uint64_t{region_.Parts().extent_count} * kExtentBytes};
}

bool RegionMemory::MayClaim(uint32_t count) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (count <= allowed_) {
      allowed_ -= count;
      return true;
    }
  }
  // While others may go on. Of those that look at the same time the last one is right.
  const uint32_t leave = ExtentsToLeave(region_.Parts().extent_count);
  const uint32_t free = extents_.CountFree();
  if (leave > free || count > free - leave) return false;
  const std::lock_guard<std::mutex> lock(mutex_);
  allowance_ = std::max(count, (free - leave) / kPartsOfSpare);
  allowed_ = allowance_ - count;
  return true;
}

void RegionMemory::MayClaimAgain(uint32_t count) {
  const std::lock_guard<std::mutex> lock(mutex_);
  allowed_ += std::min(count, allowance_ - allowed_);
}

std::byte* RegionMemory::Allocate(size_t bytes) {
  // There the processor raises SIGBUS at what compilers make of ordinary code.
  if (region_.Type() == MemoryType::kDevice) return nullptr;
  if (bytes == 0 || bytes > kMaxRunExtents * kExtentBytes) return nullptr;
  const auto count = static_cast<uint32_t>((bytes + kExtentBytes - 1) / kExtentBytes);
  if (!MayClaim(count)) return nullptr;
  const auto owner = static_cast<uint16_t>(self_.index);
  const std::optional<uint32_t> first = extents_.Claim(count, owner, ExtentKind::kMemory);
  if (!first) {
    MayClaimAgain(count);
    return nullptr;
  }
  std::byte* const memory = region_.Extent(*first);
  // SUBTLE: allocated before the lock is taken. malloc may bring us back here.
  Runs fresh;
  fresh[reinterpret_cast<uintptr_t>(memory)] = {.first_extent = *first, .extents = count};
  const std::lock_guard<std::mutex> lock(mutex_);
  runs_.merge(fresh);
  return memory;
}

bool RegionMemory::Free(std::byte* memory) {
  Runs::node_type ended;  // Freed when the lock is not held.
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended = runs_.extract(reinterpret_cast<uintptr_t>(memory));
  }
  if (ended.empty()) return false;
  const Run run = ended.mapped();
  Zero(region_.Type(), {memory, uint64_t{run.extents} * kExtentBytes});
  const bool freed = extents_.Free(run.first_extent, static_cast<uint16_t>(self_.index));
  MayClaimAgain(run.extents);
  return freed;
}

std::optional<RegionMemory::Run> RegionMemory::Find(uintptr_t address, size_t bytes) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto after = runs_.upper_bound(address);
  if (after == runs_.begin()) return std::nullopt;
  const auto& [first_address, run] = *std::prev(after);
  const uint64_t run_bytes = uint64_t{run.extents} * kExtentBytes;
  const uintptr_t offset = address - first_address;
  if (offset > run_bytes || bytes > run_bytes - offset) return std::nullopt;
  return run;
}

std::optional<MemoryHandle> RegionMemory::HandleOf(const std::byte* memory, size_t bytes) const {
  const std::optional<Run> run = Find(reinterpret_cast<uintptr_t>(memory), bytes);
  if (!run) return std::nullopt;
  return MemoryHandle{.kind = MemoryKind::kRegion,
                      .place = run->first_extent,
                      // A peer that changed the word makes its own operations fail.
                      .generation = extents_.Look(run->first_extent).generation,
                      .owner_index = self_.index,
                      .owner_incarnation = self_.incarnation,
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
