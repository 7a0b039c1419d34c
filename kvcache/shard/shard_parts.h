// ShardParts: the structs of a shard, by index, over a span that somebody maps. It copies nothing
// and owns nothing; ShardView is for who may only read.
//
// It assumes nothing of what the bytes say: indices are the caller's, and below the geometry's
// counts.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>

#include "kvcache/layout/bucket.h"
#include "kvcache/layout/item.h"
#include "kvcache/layout/segment_header.h"
#include "kvcache/layout/superblock.h"
#include "kvcache/shard/geometry.h"
#include "transport/base/offset.h"

namespace tombolo::kvcache {

// Where an item lies.
struct Place {
  uint32_t segment = 0;
  uint64_t offset_bytes = 0;  // From the segment's beginning; a multiple of 8.
};

template <typename Byte>
class ShardParts {
  template <typename T>
  using Like = std::conditional_t<std::is_const_v<Byte>, const T, T>;

 public:
  ShardParts() = default;

  // `memory` is aligned to a cache line and holds at least `geometry.end`.
  ShardParts(std::span<Byte> memory, const ShardGeometry& geometry)
      : base_(memory.data()),
        geometry_(geometry),
        segment_shift_(std::countr_zero(geometry.shape.segment_bytes)) {}

  const ShardGeometry& Geometry() const { return geometry_; }
  const ShardShape& Shape() const { return geometry_.shape; }

  Like<Superblock>& TheSuperblock() const { return *As<Superblock>(Offset{0}); }

  Like<kvcache::Bucket>& BucketAt(uint64_t index) const {
    return As<kvcache::Bucket>(geometry_.index)[index];
  }

  Like<SegmentHeader>& HeaderOf(uint32_t segment) const {
    return As<SegmentHeader>(geometry_.segment_headers)[segment];
  }

  Byte* At(const Place& place) const { return base_ + OffsetOf(place).bytes; }

  Offset OffsetOf(const Place& place) const {
    return geometry_.segments + place.segment * Shape().segment_bytes + place.offset_bytes;
  }

  // Where a slot's location leads; nothing when there is no room for an item's header.
  std::optional<Place> PlaceOf(uint64_t location) const {
    const uint64_t offset = location * kLocationUnitBytes;
    if (offset < geometry_.segments.bytes || offset >= geometry_.end.bytes) return std::nullopt;
    const uint64_t within = offset - geometry_.segments.bytes;
    const Place place{.segment = static_cast<uint32_t>(within >> segment_shift_),
                      .offset_bytes = within & (Shape().segment_bytes - 1)};
    if (Shape().segment_bytes - place.offset_bytes < sizeof(Item)) return std::nullopt;
    return place;
  }

  uint64_t LocationOf(const Place& place) const {
    return OffsetOf(place).bytes / kLocationUnitBytes;
  }

 private:
  // SAFETY: the constructor's caller checked size and alignment; parts begin at whole extents.
  template <typename T>
  Like<T>* As(Offset offset) const {
    return reinterpret_cast<Like<T>*>(base_ + offset.bytes);
  }

  Byte* base_ = nullptr;
  ShardGeometry geometry_;
  int segment_shift_ = 0;
};

using Shard = ShardParts<std::byte>;
using ShardView = ShardParts<const std::byte>;

}  // namespace tombolo::kvcache
