#include "transport/channel/lender.h"

#include "absl/strings/str_cat.h"
#include "transport/base/units.h"
#include "transport/region/region_copy.h"

namespace tombolo {

absl::StatusOr<RegionBuffer> Lender::Allocate(uint64_t size_bytes) {
  if (size_bytes == 0 || size_bytes > kMaxRunExtents * kExtentBytes) {
    return absl::InvalidArgumentError(absl::StrCat("a buffer of ", size_bytes,
                                                   " bytes; it must be 1 to ",
                                                   kMaxRunExtents * kExtentBytes, "."));
  }
  const auto count = static_cast<uint32_t>((size_bytes + kExtentBytes - 1) / kExtentBytes);
  const std::optional<uint32_t> first = extents_.Claim(count, owner_, ExtentKind::kMemory);
  if (!first) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the region has no ", count, " consecutive free extents for a buffer of ",
                     size_bytes, " bytes; make it larger (tombolod --size)."));
  }
  holdings_[*first] = {.extents = count, .generation = extents_.Look(*first).generation};
  return RegionBuffer{.first_extent = *first,
                      .bytes = {region_.Extent(*first), uint64_t{count} * kExtentBytes}};
}

absl::Status Lender::Free(const RegionBuffer& buffer) {
  const auto found = holdings_.find(buffer.first_extent);
  if (found == holdings_.end() || found->second.is_freed) {
    return absl::NotFoundError(absl::StrCat("no buffer of this endpoint begins at extent ",
                                            buffer.first_extent, "; was it freed twice?"));
  }
  found->second.is_freed = true;
  if (found->second.loans != 0) {
    extents_.Retag(buffer.first_extent, owner_, ExtentKind::kQuarantine);
    return absl::OkStatus();
  }
  GiveBack(buffer.first_extent, found->second);
  holdings_.erase(found);
  return absl::OkStatus();
}

void Lender::GiveBack(uint32_t first_extent, const Holding& holding) {
  Zero(region_.Type(), {region_.Extent(first_extent), uint64_t{holding.extents} * kExtentBytes});
  extents_.Free(first_extent, owner_);
}

uint32_t Lender::LoanCount(const RegionBuffer& buffer) const {
  const auto found = holdings_.find(buffer.first_extent);
  return found == holdings_.end() ? 0 : found->second.loans;
}

std::optional<LoanDescriptor> Lender::Describe(const RegionBuffer& buffer, uint64_t offset,
                                               uint64_t length_bytes) const {
  const auto found = holdings_.find(buffer.first_extent);
  if (found == holdings_.end() || found->second.is_freed) return std::nullopt;
  const uint64_t size_bytes = uint64_t{found->second.extents} * kExtentBytes;
  if (offset > size_bytes || length_bytes > size_bytes - offset) return std::nullopt;
  return LoanDescriptor{.offset = (region_.ExtentOffset(buffer.first_extent) + offset).bytes,
                        .length_bytes = length_bytes,
                        .first_extent = buffer.first_extent,
                        .generation = found->second.generation,
                        .slot = 0,
                        .reserved = 0};
}

void Lender::Began(uint32_t first_extent) { ++holdings_[first_extent].loans; }

void Lender::Ended(uint32_t first_extent) {
  const auto found = holdings_.find(first_extent);
  if (found == holdings_.end() || --found->second.loans != 0 || !found->second.is_freed) return;
  GiveBack(first_extent, found->second);
  holdings_.erase(found);
}

}  // namespace tombolo
