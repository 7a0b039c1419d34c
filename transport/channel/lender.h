// Lender: memory of the region that this endpoint's program fills and others read in place.
//
// A buffer may be lent to several receivers at once, any part of it. Freeing one returns at once:
// while it is lent it waits in quarantine, until everybody has given it back or is proven dead.
// Memory is zeroed before it goes to another owner. Not thread-safe; used by Channel only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/alloc/extent_map.h"
#include "transport/layout/link.h"
#include "transport/region/region.h"

namespace tombolo {

// Extents that belong to this endpoint until they are freed; whole pages.
struct RegionBuffer {
  uint32_t first_extent = 0;
  std::span<std::byte> bytes;
};

class Lender {
 public:
  // `extents` must outlive it. `owner`: of the extents.
  Lender(const Region& region, ExtentMap& extents, uint16_t owner)
      : region_(region), extents_(extents), owner_(owner) {}

  // At least `size_bytes`, rounded up to extents, zeroed. InvalidArgument: 0 or more than a run can
  // hold. ResourceExhausted: the region has no such run.
  absl::StatusOr<RegionBuffer> Allocate(uint64_t size_bytes);

  // NotFound: no buffer of this endpoint begins there, or it was freed already.
  absl::Status Free(const RegionBuffer& buffer);

  // Loans of the buffer that were not given back.
  uint32_t LoanCount(const RegionBuffer& buffer) const;

  // What tells a receiver of [offset, offset + length) of the buffer; nothing when that is not
  // within a buffer of this endpoint. The slot is the link's to fill in.
  std::optional<LoanDescriptor> Describe(const RegionBuffer& buffer, uint64_t offset,
                                         uint64_t length_bytes) const;

  // A loan of the buffer that begins at `first_extent` began or ended.
  void Began(uint32_t first_extent);
  void Ended(uint32_t first_extent);

 private:
  struct Holding {
    uint32_t extents = 0;
    uint32_t generation = 0;
    uint32_t loans = 0;
    bool is_freed = false;
  };

  void GiveBack(uint32_t first_extent, const Holding& holding);

  Region region_;
  ExtentMap& extents_;
  const uint16_t owner_;
  std::unordered_map<uint32_t, Holding> holdings_;  // By first extent.
};

}  // namespace tombolo
