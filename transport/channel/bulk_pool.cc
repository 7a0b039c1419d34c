#include "transport/channel/bulk_pool.h"

#include <algorithm>
#include <utility>

#include "transport/base/emulated_processor.h"
#include "transport/base/units.h"
#include "transport/layout/link.h"
#include "transport/region/region_copy.h"

namespace tombolo {
namespace {

constexpr uint32_t kExtentsPerChunk = kBulkChunkBytes / kExtentBytes;
constexpr uint32_t kChunksPerSegment = 8;
// One more, because chunks begin kBulkChunkSkewBytes into their first extent and end in the next.
constexpr uint32_t kExtentsPerSegment = kChunksPerSegment * kExtentsPerChunk + 1;
// How often all chunks are used before there are more of them.
constexpr uint32_t kRoundsBeforeGrowth = 4;
constexpr uint32_t kRefusalsBeforeScan = 256;
constexpr uint64_t kSegmentBytes = uint64_t{kChunksPerSegment} * kBulkChunkBytes;
constexpr uint64_t kUnknownCacheBytes = kMiB;
constexpr uint64_t kLargeL2Bytes = 2 * kMiB;

}  // namespace

uint64_t BulkPool::DefaultTargetBytes(const CacheSizes& caches, bool is_processor_emulated) {
  if (is_processor_emulated) return kSegmentBytes;
  if (caches.l2_bytes == 0) return kUnknownCacheBytes;
  if (caches.l2_bytes >= kLargeL2Bytes) return caches.l2_bytes / 2;
  const uint64_t bytes = uint64_t{4} * caches.l2_bytes;
  return caches.l3_bytes == 0 ? bytes : std::min<uint64_t>(bytes, caches.l3_bytes / 8);
}

BulkPool::BulkPool(const Region& region, ExtentMap& extents, uint16_t owner)
    : region_(region), extents_(extents), owner_(owner) {
  SetTarget(DefaultTargetBytes(region.Caches(), IsProcessorEmulated()));
}

void BulkPool::SetTarget(uint64_t bytes) {
  const uint64_t most = region_.Parts().extent_count / kExtentsPerSegment;
  const uint64_t segments =
      std::clamp<uint64_t>(bytes / kSegmentBytes, 1, std::max<uint64_t>(most, 1));
  target_chunks_ = static_cast<uint32_t>(segments) * kChunksPerSegment;
}

uint32_t BulkPool::Share() const { return chunk_count_ / std::clamp(receivers_, 1u, kMostShares); }

bool BulkPool::WantsToGrow() const {
  return chunk_count_ < target_chunks_ && (free_count_ == 0 || uses_until_growth_ == 0);
}

bool BulkPool::MayTakeMore() {
  // Counting is a scan of the whole map, and what was full a moment ago still is.
  if (refusals_until_scan_ != 0) {
    --refusals_until_scan_;
    return false;
  }
  const uint32_t half = region_.Parts().extent_count / 2;
  if (extents_.CountFree() >= half + kExtentsPerSegment) return true;
  refusals_until_scan_ = kRefusalsBeforeScan;
  return false;
}

void BulkPool::Push(uint32_t chunk) {
  free_[(free_first_ + free_count_) % free_.size()] = chunk;
  ++free_count_;
}

bool BulkPool::Grow() {
  uses_until_growth_ = kRoundsBeforeGrowth * chunk_count_;
  if (!MayTakeMore()) return false;
  const auto segment = extents_.Claim(kExtentsPerSegment, owner_, ExtentKind::kPoolSegment);
  if (!segment) return false;
  // The ring is unrolled, so that it can have another size.
  std::rotate(free_.begin(), free_.begin() + free_first_, free_.end());
  free_first_ = 0;
  free_.resize(chunk_count_ + kChunksPerSegment);
  for (uint32_t i = 0; i < kChunksPerSegment; ++i) Push(*segment + i * kExtentsPerChunk);
  segments_.push_back(*segment);
  chunk_count_ += kChunksPerSegment;
  uses_until_growth_ = kRoundsBeforeGrowth * chunk_count_;
  return true;
}

std::optional<uint32_t> BulkPool::Take() {
  if (WantsToGrow()) Grow();
  if (free_count_ == 0) return std::nullopt;
  const uint32_t chunk = free_[free_first_];
  free_first_ = (free_first_ + 1) % static_cast<uint32_t>(free_.size());
  --free_count_;
  uses_until_growth_ -= uses_until_growth_ == 0 ? 0 : 1;
  return chunk;
}

void BulkPool::GiveBack(uint32_t chunk) { Push(chunk); }

void BulkPool::Trim() {
  if (free_count_ == 0) return;
  std::vector<uint32_t> free;
  for (uint32_t i = 0; i < free_count_; ++i)
    free.push_back(free_[(free_first_ + i) % free_.size()]);
  const auto is_idle = [&free](uint32_t segment) {
    return std::ranges::count_if(free, [segment](uint32_t chunk) {
             return chunk >= segment && chunk < segment + kExtentsPerSegment;
           }) == kChunksPerSegment;
  };
  for (const uint32_t segment : std::exchange(segments_, {})) {
    if (!is_idle(segment)) {
      segments_.push_back(segment);
      continue;
    }
    std::erase_if(free, [segment](uint32_t chunk) {
      return chunk >= segment && chunk < segment + kExtentsPerSegment;
    });
    Zero(region_.Type(), {region_.Extent(segment), uint64_t{kExtentsPerSegment} * kExtentBytes});
    extents_.Free(segment, owner_);
    chunk_count_ -= kChunksPerSegment;
  }
  free_first_ = 0;
  free_count_ = static_cast<uint32_t>(free.size());
  free.resize(chunk_count_);
  free_ = std::move(free);
  uses_until_growth_ = kRoundsBeforeGrowth * chunk_count_;
}

}  // namespace tombolo
