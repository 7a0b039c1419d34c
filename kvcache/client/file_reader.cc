#include "kvcache/client/file_reader.h"

#include <errno.h>
#include <fcntl.h>

#include "absl/strings/str_cat.h"
#include "kvcache/layout/memory_file.h"
#include "transport/base/errno_status.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

// SAFETY: whoever calls has mapped at least an extent, from its beginning.
const MemoryFileHeader& HeaderOf(const Mapping& mapping) {
  return *reinterpret_cast<const MemoryFileHeader*>(mapping.Bytes().data());
}

}  // namespace

absl::StatusOr<FileReader> FileReader::Open(const std::string& path, ClockNs clock) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.IsOpen()) return ErrnoStatus(errno, absl::StrCat("open ", path));
  const absl::StatusOr<uint64_t> bytes = FileBytes(file.Get());
  if (!bytes.ok()) return bytes.status();
  if (*bytes < kExtentBytes) {
    return absl::FailedPreconditionError(absl::StrCat("no cache was made in ", path, " yet."));
  }
  absl::StatusOr<Mapping> mapping = Mapping::MapReadOnly(file.Get(), 0, *bytes);
  if (!mapping.ok()) return mapping.status();
  const absl::StatusOr<FileShape> shape = ReadFileHeader(HeaderOf(*mapping), *bytes);
  if (!shape.ok()) return shape.status();
  FileReader reader(*std::move(mapping), *shape);
  const std::span<const std::byte> memory = reader.mapping_.Bytes();
  for (uint32_t shard = 0; shard < shape->shard_count; ++shard) {
    absl::StatusOr<Reader> of_shard = Reader::Attach(shape->ShardIn(memory, shard), clock);
    if (!of_shard.ok()) return of_shard.status();
    reader.readers_.push_back(*std::move(of_shard));
  }
  return reader;
}

bool FileReader::OwnerHasStopped() const {
  // Acquire: what the owner did before is seen.
  return HeaderOf(mapping_).owner.load(std::memory_order_acquire) == kOwnerStopped;
}

}  // namespace tombolo::kvcache
