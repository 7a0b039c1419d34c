// FileReader: reads the memory file of a running tombolo-kv from another process, which needs the
// right to read the file and nothing else; or from a virtual machine, by the file of the device
// that shows it there (kvcache/README.md says which).
//
// A file keeps its shape for ever; an owner that wants another one makes a new file in its place.
// So whoever is told kOwnerGone for long opens the path anew.
//
// Not thread-safe: one per thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "kvcache/client/reader.h"
#include "kvcache/shard/file_shape.h"
#include "transport/device/mapping.h"

namespace tombolo::kvcache {

class FileReader {
 public:
  // NotFound, PermissionDenied and so on: the file cannot be opened. FailedPrecondition: its owner
  // is just making it. DataLoss: it is no memory file that this reader understands.
  static absl::StatusOr<FileReader> Open(const std::string& path,
                                         ClockNs clock = CoarseMonotonicNs);

  // One for another thread, which maps nothing anew. Errors: as Open().
  absl::StatusOr<FileReader> Another() const;

  // As those of Reader.
  ReadResult Get(std::string_view key, std::string& value, Found& found) {
    const uint32_t shard = shape_.ShardOf(key);
    return In(shard, found, readers_[shard].Get(key, value, found));
  }
  ReadResult Get(std::string_view key, std::span<std::byte> buffer, Found& found) {
    const uint32_t shard = shape_.ShardOf(key);
    return In(shard, found, readers_[shard].Get(key, buffer, found));
  }
  ReadResult Describe(std::string_view key, Found& found) {
    const uint32_t shard = shape_.ShardOf(key);
    return In(shard, found, readers_[shard].Describe(key, found));
  }
  ReadResult Look(std::string_view key, View& view) {
    const uint32_t shard = shape_.ShardOf(key);
    return In(shard, view.found, readers_[shard].Look(key, view));
  }
  bool StillValid(const View& view) const {
    return view.found.shard < readers_.size() && readers_[view.found.shard].StillValid(view);
  }
  void GetMany(std::span<const std::string_view> keys, std::span<ManyAnswer> answers);

  // Whether the owner ended in good order. One that was killed has not.
  bool OwnerHasStopped() const;

  // It has just been heard of: Reader::OwnerWasHeard().
  void OwnerWasHeard() {
    for (Reader& reader : readers_) reader.OwnerWasHeard();
  }

  const FileShape& Shape() const { return shape_; }
  std::span<const std::byte> Memory() const { return mapping_->Bytes(); }
  uint32_t ItemMaxBytes() const { return readers_.front().ItemMaxBytes(); }

  // The owner's time, in seconds of Unix time: what it has told the first shard.
  uint32_t NowS() const { return readers_.front().NowS(); }

 private:
  FileReader(std::shared_ptr<const Mapping> mapping, const FileShape& shape, ClockNs clock)
      : mapping_(std::move(mapping)), shape_(shape), clock_(clock) {}

  absl::Status AttachAll();

  static ReadResult In(uint32_t shard, Found& found, ReadResult result) {
    found.shard = shard;
    return result;
  }

  std::shared_ptr<const Mapping> mapping_;
  FileShape shape_;
  ClockNs clock_;
  std::vector<Reader> readers_;  // One for each shard.
};

}  // namespace tombolo::kvcache
