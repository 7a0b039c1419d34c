// How several shards lie in one memory file, and which one a key belongs to: what the owner and its
// readers have in common. The bytes: kvcache/layout/memory_file.h.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kvcache/layout/memory_file.h"
#include "kvcache/shard/key_hash.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {

inline constexpr uint32_t kMaxShards = 256;

struct FileShape {
  uint64_t file_bytes = 0;
  uint64_t shard_bytes = 0;  // A multiple of kExtentBytes.
  uint32_t shard_count = 0;
  uint64_t shard_seed = 0;

  // Not with the seed that finds an item within its shard: those of one shard would share buckets.
  uint32_t ShardOf(std::string_view key) const {
    if (shard_count == 1) return 0;
    const uint64_t half = KeyHash(key, shard_seed).Bits() >> 32;
    return static_cast<uint32_t>(half * shard_count >> 32);
  }

  // Where a shard lies in the whole of the file's memory.
  template <typename Byte>
  std::span<Byte> ShardIn(std::span<Byte> file, uint32_t shard) const {
    return file.subspan(kExtentBytes + shard * shard_bytes, shard_bytes);
  }
};

// As many equal shards as are asked for in a file of that size. InvalidArgument: no such number, or
// no room for them.
absl::StatusOr<FileShape> ComputeFileShape(uint64_t file_bytes, uint32_t shard_count,
                                           uint64_t shard_seed);

// Writes line 0 of the header; all of it is zero before.
void WriteFileHeader(const FileShape& shape, MemoryFileHeader& header);

// Checks what the header says against a file of `file_bytes`. FailedPrecondition: there is no cache
// in it yet. DataLoss: what is there is no memory file that this program understands.
absl::StatusOr<FileShape> ReadFileHeader(const MemoryFileHeader& header, uint64_t file_bytes);

}  // namespace tombolo::kvcache
