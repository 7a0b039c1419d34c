// SegmentHeader: what a segment is at the moment. One line each; the owner is the only writer.
//
//   kFree -> kOpen -> kSealed -> kRecycling -> kFree
//
// A segment is filled from its beginning: `written_bytes` is stored before the slot that leads to
// an item, so that every published item lies below it. `generation` is counted up when no slot
// leads into the segment any more and before its first byte is written anew.
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/base/units.h"
#include "transport/layout/shared_word.h"

namespace tombolo::kvcache {

enum class SegmentState : uint32_t { kFree = 0, kOpen = 1, kSealed = 2, kRecycling = 3 };

enum class Queue : uint32_t { kSmall = 0, kMain = 1 };
inline constexpr size_t kQueues = 2;

struct SegmentHeader {
  SharedU32 generation;
  SharedU32 state;
  SharedU32 written_bytes;
  SharedU32 queue;
  SharedU64 sequence;
  uint64_t reserved0[5];
};

static_assert(offsetof(SegmentHeader, generation) == 0);
static_assert(offsetof(SegmentHeader, state) == 4);
static_assert(offsetof(SegmentHeader, written_bytes) == 8);
static_assert(offsetof(SegmentHeader, queue) == 12);
static_assert(offsetof(SegmentHeader, sequence) == 16);
static_assert(sizeof(SegmentHeader) == 64);
static_assert(sizeof(SegmentHeader) == kCacheLineBytes);

}  // namespace tombolo::kvcache
