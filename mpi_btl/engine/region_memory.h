// RegionMemory: memory of the region that this rank's program allocates (MPI_Alloc_mem, and malloc
// where mpi_btl/preload is in use), and that of other ranks, as their handles tell of it.
//
// An allocation is a run of extents of its own: MPI programs allocate little often enough that the
// 4 KiB of rounding do not matter, and whoever scans the extent map sees whose it is. Links and
// bulk pools come first: where an allocation would leave less of the region free than bulk pools
// need, it is refused, and the program is given ordinary memory.
//
// What it assumes of the peers: nothing. A handle of a peer is checked against the extent map each
// time it is used: the run must be the peer's, and the bytes within it.
//
// Thread safety: Allocate(), Free(), HandleOf() and Extents() from any thread, also from within
// malloc: nothing is allocated while the lock is held. All else: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>

#include "mpi_btl/engine/memory_handle.h"
#include "transport/alloc/extent_map.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/layout/extent_word.h"
#include "transport/layout/shared_word.h"
#include "transport/region/region.h"

namespace tombolo::mpi {

class RegionMemory {
 public:
  // The mapping of `region` must outlive it. `self`: whose allocations are.
  RegionMemory(const Region& region, EndpointId self);

  // `bytes` of zeroed memory, aligned to 4 KiB; nullptr when the region has none to spare, or is
  // mapped so that programs cannot work in it as in any other memory.
  std::byte* Allocate(size_t bytes);
  // False: no allocation begins at `memory`. Zeroes it, so that nobody else reads it.
  bool Free(std::byte* memory);

  // Where all allocations lie.
  std::span<std::byte> Extents() const;

  // The handle of [memory, memory + bytes) when it lies within one allocation.
  std::optional<MemoryHandle> HandleOf(const std::byte* memory, size_t bytes) const;

  // Where `bytes` at `address` of the peer `owner` are mapped here; nullptr when they are not in
  // its memory, or it is not alive. `handle` and `address` may be anything. This rank must have a
  // link to the owner: as long as it was not polled since, the memory is not given to others even
  // if the owner has died. Memory ordering: acquire, against the claim of the run.
  std::byte* Reach(const MemoryHandle& handle, EndpointId owner, uint64_t address,
                   uint64_t bytes) const;

  // Whether what was read from the memory of `handle` was its owner's until the last byte.
  // Memory ordering: the reads before this are not passed by its loads.
  bool StillReachable(const MemoryHandle& handle, EndpointId owner);

 private:
  struct Run {
    uint32_t first_extent = 0;
    uint32_t extents = 0;
  };
  using Runs = std::map<uintptr_t, Run>;  // By first address.

  bool MayClaim(uint32_t count);
  void MayClaimAgain(uint32_t count);
  std::optional<Run> Find(uintptr_t address, size_t bytes) const;
  std::optional<ExtentWord> HeadOf(const MemoryHandle& handle, EndpointId owner) const;
  uintptr_t ExtentsAddress() const { return reinterpret_cast<uintptr_t>(region_.Extent(0)); }

  Region region_;
  ExtentMap extents_;
  const EndpointId self_;
  SharedU64 last_look_;  // Nobody reads it: StillReachable() has why.

  mutable std::mutex mutex_;  // Guards all below.
  Runs runs_;
  uint32_t allowance_ = 0;  // Extents that the last look at the map was good for,
  uint32_t allowed_ = 0;    // and those of them that are not claimed.
};

}  // namespace tombolo::mpi
