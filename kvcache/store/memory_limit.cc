#include <algorithm>

#include "kvcache/layout/superblock.h"
#include "kvcache/store/store.h"

namespace tombolo::kvcache {
namespace {

// Whoever asks for items meanwhile waits for so many.
constexpr int kStepsPerTick = 16;

}  // namespace

bool Store::LimitMemory(uint64_t bytes) {
  const ShardShape& shape = shard_.Shape();
  const uint64_t own_bytes =
      shard_.Geometry().end.bytes - shape.segment_count * shape.segment_bytes;
  if (bytes < own_bytes) return false;
  // What a shard was given need not be a whole number of segments.
  const uint64_t wanted = (bytes - own_bytes) / shape.segment_bytes;
  if (wanted < kMinSegments || wanted > uint64_t{shape.segment_count} + 1) return false;
  const auto segments = static_cast<uint32_t>(std::min<uint64_t>(wanted, shape.segment_count));
  to_hold_ = shape.segment_count - segments;
  while (log_.HeldCount() > to_hold_) log_.Release();
  given_up_.clear();
  return true;
}

// A step frees a segment, or sets one that is free aside.
void Store::ApproachLimit() {
  const uint64_t segment_bytes = shard_.Shape().segment_bytes;
  for (int step = 0; step < kStepsPerTick && log_.HeldCount() < to_hold_; ++step) {
    if (log_.HasSpare()) {
      const Place place{.segment = log_.HoldBack(), .offset_bytes = 0};
      given_up_.emplace_back(shard_.At(place), segment_bytes);
    } else if (!FreeSome(segment_bytes, Survivors::kThoseAskedFor)) {
      return;
    }
  }
}

uint64_t Store::LimitBytes() const {
  const ShardShape& shape = shard_.Shape();
  return (shape.segment_count - to_hold_) * shape.segment_bytes;
}

}  // namespace tombolo::kvcache
