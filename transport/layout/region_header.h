// The first 4 KiB of the region.
//
//   offset  line  writer            what
//        0     0  creator, once     magic, version, size, uuid, limits
//       64     1  creator, once     offsets of the parts
//      128     2  creator, once     the host's cache sizes (guests see invented ones); one more
//      part 192     3  daemon            membership epoch: bumped after every change of the member
//      table 256     4  daemon            how many endpoint records were ever used
//
// The creator stores `magic` last (release); whoever attaches loads it first (acquire), and checks
// every other field against the geometry that it computes itself from size and limits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/base/units.h"
#include "transport/layout/shared_word.h"

namespace tombolo {

inline constexpr uint64_t kRegionMagic = 0x4f4c4f424d4f5401;  // "\1TOMBOLO"
inline constexpr uint32_t kLayoutVersion = 2;

struct RegionHeader {
  SharedU64 magic;
  SharedU32 layout_version;
  SharedU32 header_bytes;
  SharedU64 region_bytes;
  SharedU64 uuid[2];
  SharedU32 slot_count;
  SharedU32 vector_count;
  SharedU32 endpoint_count;
  SharedU32 extent_count;
  uint64_t reserved0;

  SharedU64 slot_records_offset;
  SharedU64 endpoint_records_offset;
  SharedU64 endpoint_lines_offset;
  SharedU64 control_areas_offset;
  SharedU64 counters_offset;
  SharedU64 inboxes_offset;
  SharedU64 extent_map_offset;
  SharedU64 extents_offset;

  SharedU32 l1d_bytes;
  SharedU32 l2_bytes;
  SharedU32 l3_bytes;
  uint32_t reserved1;
  SharedU64 service_records_offset;
  uint64_t reserved2[5];

  alignas(kCacheLineBytes) SharedU64 membership_epoch;
  alignas(kCacheLineBytes) SharedU32 endpoint_high_water;
};

static_assert(offsetof(RegionHeader, magic) == 0);
static_assert(offsetof(RegionHeader, layout_version) == 8);
static_assert(offsetof(RegionHeader, header_bytes) == 12);
static_assert(offsetof(RegionHeader, region_bytes) == 16);
static_assert(offsetof(RegionHeader, uuid) == 24);
static_assert(offsetof(RegionHeader, slot_count) == 40);
static_assert(offsetof(RegionHeader, vector_count) == 44);
static_assert(offsetof(RegionHeader, endpoint_count) == 48);
static_assert(offsetof(RegionHeader, extent_count) == 52);
static_assert(offsetof(RegionHeader, slot_records_offset) == 64);
static_assert(offsetof(RegionHeader, endpoint_records_offset) == 72);
static_assert(offsetof(RegionHeader, endpoint_lines_offset) == 80);
static_assert(offsetof(RegionHeader, control_areas_offset) == 88);
static_assert(offsetof(RegionHeader, counters_offset) == 96);
static_assert(offsetof(RegionHeader, inboxes_offset) == 104);
static_assert(offsetof(RegionHeader, extent_map_offset) == 112);
static_assert(offsetof(RegionHeader, extents_offset) == 120);
static_assert(offsetof(RegionHeader, l1d_bytes) == 128);
static_assert(offsetof(RegionHeader, l2_bytes) == 132);
static_assert(offsetof(RegionHeader, l3_bytes) == 136);
static_assert(offsetof(RegionHeader, service_records_offset) == 144);
static_assert(offsetof(RegionHeader, membership_epoch) == 192);
static_assert(offsetof(RegionHeader, endpoint_high_water) == 256);
static_assert(sizeof(RegionHeader) == 320);

}  // namespace tombolo
