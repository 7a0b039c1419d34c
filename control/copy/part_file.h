// PartFile: a file that is being received. Beside the place where it is to be lies
// `.NAME.tombolo-part`, which has what came so far and nobody else takes for the file; Commit()
// moves it there, in one step. One that was left by a copy that was interrupted is where the next
// copy goes on. Two copies to one place at the same time are refused. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

// InvalidArgument when a file cannot be called `name`: it is empty, `.`, `..`, has a slash, is too
// long for a part's name, or is one.
absl::Status CheckFileName(std::string_view name);

// Why `what`, such as "write x", failed with `error`, an errno value, and in a service what to do.
absl::Status CannotWrite(int error, const std::string& what);

class PartFile {
 public:
  // The part of `name` in the open folder `folder`, which must outlive it; made if there is none.
  // Aborted: somebody else is receiving it. FailedPrecondition: what lies there is no file of ours.
  static absl::StatusOr<PartFile> Open(int folder, const std::string& name);

  int Fd() const { return fd_.Get(); }
  uint64_t SizeBytes() const { return size_bytes_; }

  // Forgets what is beyond `size_bytes`.
  absl::Status Truncate(uint64_t size_bytes);

  // ResourceExhausted when the disk is full. What was appended is brought to the disk now and then,
  // so that not all of it is left for Commit().
  absl::Status Append(std::span<const std::byte> bytes);

  // How many more bytes there is room for.
  absl::StatusOr<uint64_t> FreeBytes() const;

  // Makes it the file, in place of one that is there; it is on the disk then. Its permissions are
  // those of `mode`, without the right of others than the owner to write.
  absl::Status Commit(unsigned mode);

  // Takes it away.
  void Remove();

 private:
  PartFile(int folder, const std::string& name, const std::string& part_name)
      : folder_(folder), name_(name), part_name_(part_name) {}

  absl::StatusOr<bool> TryOpen();

  int folder_;
  std::string name_;
  std::string part_name_;
  UniqueFd fd_;
  uint64_t size_bytes_ = 0;
  uint64_t synced_bytes_ = 0;  // About so many are on the disk.
};

}  // namespace tombolo::control
