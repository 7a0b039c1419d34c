// FileReader: reads the memory file of a running tombolo-kv from another process, which needs the
// right to read the file and nothing else.
//
// A file keeps its shape for ever; an owner that wants another one makes a new file in its place.
// So whoever is told kOwnerGone for long opens the path anew.
//
// Not thread-safe: one per thread.
#pragma once

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

  // As Reader::Get.
  ReadResult Get(std::string_view key, std::string& value, Found& found) {
    return readers_[shape_.ShardOf(key)].Get(key, value, found);
  }

  // Whether the owner ended in good order. One that was killed has not.
  bool OwnerHasStopped() const;

  const FileShape& Shape() const { return shape_; }

 private:
  FileReader(Mapping mapping, const FileShape& shape)
      : mapping_(std::move(mapping)), shape_(shape) {}

  Mapping mapping_;
  FileShape shape_;
  std::vector<Reader> readers_;  // One for each shard.
};

}  // namespace tombolo::kvcache
