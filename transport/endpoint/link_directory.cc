#include "transport/endpoint/link_directory.h"

#include "transport/base/units.h"
#include "transport/layout/link.h"

namespace tombolo {

uint32_t LinkDirectoryExtents(uint32_t endpoint_count) {
  const uint64_t bytes = uint64_t{endpoint_count} * sizeof(LinkDirectoryEntry);
  return static_cast<uint32_t>((bytes + kExtentBytes - 1) / kExtentBytes);
}

std::optional<uint32_t> FindLinkExtent(const Region& region, uint32_t sender, uint32_t receiver) {
  const uint32_t extent_count = region.Parts().extent_count;
  const uint32_t extents = LinkDirectoryExtents(region.Limits().endpoint_count);
  // seq_cst, and so acquire, here and below: pairs with the stores in Channel::EnsureDirectory and
  // Channel::Open; the reaper looks here after it has written a death.
  const uint64_t directory = region.Line(sender).link_directory.load(std::memory_order_seq_cst);
  if (directory == 0 || directory > extent_count || extents > extent_count - (directory - 1)) {
    return std::nullopt;
  }
  // SAFETY: the directory's extents lie within the region, by the check above.
  const auto* entries = reinterpret_cast<const LinkDirectoryEntry*>(
      region.Extent(static_cast<uint32_t>(directory - 1)));
  const uint32_t entry = entries[receiver].load(std::memory_order_seq_cst);
  if (entry == 0 || entry > extent_count) return std::nullopt;
  return entry - 1;
}

}  // namespace tombolo
