// The first 4 KiB of a shard of kvcache.
//
//   offset  line  writer        what
//        0     0  owner, once   magic, version, shape, seed of the hash
//       64     1  owner         epoch, flush watermark, heartbeat, the time
//      128     2  owner         for the next owner: CAS numbers that are set aside, the last move
//
// The owner stores `magic` last (release) when it formats; whoever attaches loads it first
// (acquire). Line 1 changes a few times a second: it stays in the readers' caches.
// Zeroed memory is valid and means: no shard here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/base/units.h"
#include "transport/layout/shared_word.h"

namespace tombolo::kvcache {

inline constexpr uint64_t kShardMagic = 0x4548434143564b01;  // "\1KVCACHE"
inline constexpr uint32_t kShardLayoutVersion = 3;

struct Superblock {
  SharedU64 magic;
  SharedU32 layout_version;
  SharedU32 header_bytes;
  SharedU64 shard_bytes;
  SharedU64 bucket_count;
  SharedU32 segment_count;
  SharedU32 item_max_bytes;
  SharedU64 segment_bytes;
  SharedU64 hash_seed;
  uint64_t reserved0;

  alignas(kCacheLineBytes) SharedU64 epoch;
  SharedU64 flush_cas;
  SharedU64 heartbeat;
  SharedU32 now_s;
  SharedU32 flush_at_s;
  uint64_t reserved1[4];

  alignas(kCacheLineBytes) SharedU64 cas_limit;
  SharedU64 moving_slot;
};

static_assert(offsetof(Superblock, magic) == 0);
static_assert(offsetof(Superblock, layout_version) == 8);
static_assert(offsetof(Superblock, header_bytes) == 12);
static_assert(offsetof(Superblock, shard_bytes) == 16);
static_assert(offsetof(Superblock, bucket_count) == 24);
static_assert(offsetof(Superblock, segment_count) == 32);
static_assert(offsetof(Superblock, item_max_bytes) == 36);
static_assert(offsetof(Superblock, segment_bytes) == 40);
static_assert(offsetof(Superblock, hash_seed) == 48);
static_assert(offsetof(Superblock, epoch) == 64);
static_assert(offsetof(Superblock, flush_cas) == 72);
static_assert(offsetof(Superblock, heartbeat) == 80);
static_assert(offsetof(Superblock, now_s) == 88);
static_assert(offsetof(Superblock, flush_at_s) == 92);
static_assert(offsetof(Superblock, cas_limit) == 128);
static_assert(offsetof(Superblock, moving_slot) == 136);
static_assert(sizeof(Superblock) == 192);

}  // namespace tombolo::kvcache
