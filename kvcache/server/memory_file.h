// MemoryFile: the file in which the shards live, claimed for one owner at a time and mapped.
//
// The claim is a lock on the file itself (flock), which the kernel gives back however the process
// ends. All pages are allocated before anything is stored, so that no store to it can fail later.
// It stays when the owner ends: the next one finds the items in it.
//
// Layout: kvcache/layout/memory_file.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kvcache/layout/memory_file.h"
#include "kvcache/shard/file_shape.h"
#include "transport/base/unique_fd.h"
#include "transport/device/mapping.h"

namespace tombolo::kvcache {

struct MemoryFileOptions {
  std::string path;
  uint64_t file_bytes = 0;
  uint32_t shard_count = 0;  // 0: as many as the file has, if it is good; else `usual_shards`.
  uint32_t usual_shards = 1;
  uint32_t most_shards = kMaxShards;  // A file with more of them is made anew.
};

class MemoryFile {
 public:
  // Takes over the file at `path` if its shape is what is asked for; else makes one there, readable
  // for its user and group (mode 0640). AlreadyExists: another owner has it. FailedPrecondition:
  // what is there is no memory file. PermissionDenied: somebody else could write it.
  // ResourceExhausted: there is not enough memory.
  static absl::StatusOr<MemoryFile> Claim(const MemoryFileOptions& options);

  const FileShape& Shape() const { return shape_; }
  std::span<std::byte> ShardMemory(uint32_t shard) const {
    return shape_.ShardIn(mapping_.Bytes(), shard);
  }

  // Why the file was made anew; empty when it was taken over.
  const std::string& WhyNew() const { return why_new_; }

  // Gives the file large pages (of 2 MiB), which readers have too if they map it with their
  // alignment, as Mapping does: items lie far apart, and with small ones most gets wait for the
  // address of a page. Takes about a second for a GiB, once: the file keeps them. What fails leaves
  // small pages and says why.
  absl::Status UseLargePages();

  // Tells readers whether an owner is there: kOwnerServing or kOwnerStopped.
  void TellOwner(uint32_t owner);

 private:
  MemoryFile(UniqueFd file, Mapping mapping, const FileShape& shape, std::string why_new)
      : file_(std::move(file)),
        mapping_(std::move(mapping)),
        shape_(shape),
        why_new_(std::move(why_new)) {}

  static absl::StatusOr<MemoryFile> TakeOver(const MemoryFileOptions& options, UniqueFd& file);
  static absl::StatusOr<MemoryFile> Make(const MemoryFileOptions& options, UniqueFd file,
                                         std::string why_new);

  UniqueFd file_;  // Holds the lock.
  Mapping mapping_;
  FileShape shape_;
  std::string why_new_;
};

}  // namespace tombolo::kvcache
