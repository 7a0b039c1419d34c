#include "kvcache/client/file_reader.h"

#include <errno.h>
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <optional>

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
  FileReader reader(std::make_shared<const Mapping>(*std::move(mapping)), *shape, clock);
  if (absl::Status status = reader.AttachAll(); !status.ok()) return status;
  return reader;
}

absl::StatusOr<FileReader> FileReader::Another() const {
  FileReader reader(mapping_, shape_, clock_);
  if (absl::Status status = reader.AttachAll(); !status.ok()) return status;
  return reader;
}

absl::Status FileReader::AttachAll() {
  const std::span<const std::byte> memory = mapping_->Bytes();
  for (uint32_t shard = 0; shard < shape_.shard_count; ++shard) {
    absl::StatusOr<Reader> of_shard = Reader::Attach(shape_.ShardIn(memory, shard), clock_);
    if (!of_shard.ok()) return of_shard.status();
    readers_.push_back(*std::move(of_shard));
  }
  return absl::OkStatus();
}

void FileReader::GetMany(std::span<const std::string_view> keys, std::span<ManyAnswer> answers) {
  std::array<uint32_t, kReadBatch> shards;
  std::array<std::optional<Reader::Hint>, kReadBatch> hints;
  for (size_t begin = 0; begin < keys.size(); begin += kReadBatch) {
    const auto batch = keys.subspan(begin, std::min(kReadBatch, keys.size() - begin));
    for (size_t i = 0; i < batch.size(); ++i) {
      shards[i] = shape_.ShardOf(batch[i]);
      hints[i] = readers_[shards[i]].PrefetchBuckets(batch[i]);
    }
    for (size_t i = 0; i < batch.size(); ++i) readers_[shards[i]].PrefetchItem(*hints[i]);
    for (size_t i = 0; i < batch.size(); ++i) {
      ManyAnswer& answer = answers[begin + i];
      answer.result = In(shards[i], answer.found,
                         readers_[shards[i]].Get(batch[i], *hints[i], answer.value, answer.found));
    }
  }
}

bool FileReader::OwnerHasStopped() const {
  // Acquire: what the owner did before is seen.
  return HeaderOf(*mapping_).owner.load(std::memory_order_acquire) == kOwnerStopped;
}

}  // namespace tombolo::kvcache
