#include "kvcache/shard/file_shape.h"

#include "absl/strings/str_cat.h"

namespace tombolo::kvcache {

absl::StatusOr<FileShape> ComputeFileShape(uint64_t file_bytes, uint32_t shard_count,
                                           uint64_t shard_seed) {
  if (shard_count == 0 || shard_count > kMaxShards) {
    return absl::InvalidArgumentError(
        absl::StrCat("there are ", shard_count, " shards; it must be 1 to ", kMaxShards, "."));
  }
  const uint64_t for_shards = file_bytes - (file_bytes < kExtentBytes ? file_bytes : kExtentBytes);
  const uint64_t shard_bytes = for_shards / shard_count / kExtentBytes * kExtentBytes;
  if (shard_bytes == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("a file of ", file_bytes, " bytes has no room for ", shard_count, " shards."));
  }
  return FileShape{.file_bytes = file_bytes,
                   .shard_bytes = shard_bytes,
                   .shard_count = shard_count,
                   .shard_seed = shard_seed};
}

void WriteFileHeader(const FileShape& shape, MemoryFileHeader& header) {
  const auto release = std::memory_order_release;
  header.layout_version.store(kMemoryFileVersion, release);
  header.header_bytes.store(sizeof(MemoryFileHeader), release);
  header.file_bytes.store(shape.file_bytes, release);
  header.shard_bytes.store(shape.shard_bytes, release);
  header.shard_count.store(shape.shard_count, release);
  header.shard_seed.store(shape.shard_seed, release);
  // Release: pairs with ReadFileHeader().
  header.magic.store(kMemoryFileMagic, release);
}

absl::StatusOr<FileShape> ReadFileHeader(const MemoryFileHeader& header, uint64_t file_bytes) {
  const auto acquire = std::memory_order_acquire;  // Pairs with WriteFileHeader().
  const uint64_t magic = header.magic.load(acquire);
  if (magic == 0) return absl::FailedPreconditionError("no cache was made in this file yet.");
  const uint32_t version = header.layout_version.load(acquire);
  const uint32_t header_bytes = header.header_bytes.load(acquire);
  if (magic != kMemoryFileMagic || version != kMemoryFileVersion ||
      header_bytes != sizeof(MemoryFileHeader)) {
    return absl::DataLossError(absl::StrCat("no memory file of version ", kMemoryFileVersion,
                                            ": the magic is ", magic, ", the version ", version,
                                            ", the header ", header_bytes, " bytes."));
  }
  const uint64_t told_bytes = header.file_bytes.load(acquire);
  const uint64_t shard_bytes = header.shard_bytes.load(acquire);
  const uint32_t shard_count = header.shard_count.load(acquire);
  const uint64_t shard_seed = header.shard_seed.load(acquire);
  // What it says must be what we compute of the file's own size.
  const auto shape = ComputeFileShape(file_bytes, shard_count, shard_seed);
  if (!shape.ok()) return absl::DataLossError(shape.status().message());
  if (told_bytes != file_bytes || shard_bytes != shape->shard_bytes) {
    return absl::DataLossError(absl::StrCat(
        "the file has ", file_bytes, " bytes, which makes ", shard_count, " shards of ",
        shape->shard_bytes, " bytes; its header says ", told_bytes, " and ", shard_bytes, "."));
  }
  return shape;
}

}  // namespace tombolo::kvcache
