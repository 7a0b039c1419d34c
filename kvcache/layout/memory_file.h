// The first 4 KiB of a file that holds all shards of one cache.
//
//   0          MemoryFileHeader     what the file is
//   4096       shard 0              shard_bytes each; a shard begins with a Superblock
//              shard 1 ...
//
//   offset  line  writer        what
//        0     0  owner, once   magic, version, shape, seed
//       64     1  owner         whether it is there
//
// Line 0 is written when the file is made, `magic` last (release), and never again: who wants
// another shape makes another file. Whoever attaches loads `magic` first (acquire). Zeroed memory
// is valid and means: no cache here yet.
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/base/units.h"
#include "transport/layout/shared_word.h"

namespace tombolo::kvcache {

inline constexpr uint64_t kMemoryFileMagic = 0x454c4946564b5401;  // "\1TKVFILE"
inline constexpr uint32_t kMemoryFileVersion = 1;

// Values of `owner`. An owner that was killed leaves kServing; its heartbeats then tell.
inline constexpr uint32_t kOwnerStopped = 0;
inline constexpr uint32_t kOwnerServing = 1;

struct MemoryFileHeader {
  SharedU64 magic;
  SharedU32 layout_version;
  SharedU32 header_bytes;
  SharedU64 file_bytes;
  SharedU64 shard_bytes;
  SharedU32 shard_count;
  uint32_t reserved0;
  SharedU64 shard_seed;
  uint64_t reserved1[2];

  alignas(kCacheLineBytes) SharedU32 owner;
  uint32_t reserved2[15];
};

static_assert(offsetof(MemoryFileHeader, magic) == 0);
static_assert(offsetof(MemoryFileHeader, layout_version) == 8);
static_assert(offsetof(MemoryFileHeader, header_bytes) == 12);
static_assert(offsetof(MemoryFileHeader, file_bytes) == 16);
static_assert(offsetof(MemoryFileHeader, shard_bytes) == 24);
static_assert(offsetof(MemoryFileHeader, shard_count) == 32);
static_assert(offsetof(MemoryFileHeader, shard_seed) == 40);
static_assert(offsetof(MemoryFileHeader, owner) == 64);
static_assert(sizeof(MemoryFileHeader) == 128);

}  // namespace tombolo::kvcache
