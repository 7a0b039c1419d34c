// RuntimeDir: the folder of the daemon's sockets, claimed for one daemon at a time.
//
// The claim is a lock on the folder itself (flock), which the kernel gives back however the process
// ends; there is no lock file to go stale.
#pragma once

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

class RuntimeDir {
 public:
  // Makes the folder at `path` if there is none (mode 0755; its sockets have modes of their own)
  // and claims it. NotFound: no parent folder. AlreadyExists: another daemon has it.
  // FailedPrecondition: it is no folder. PermissionDenied: nothing can be made in it.
  static absl::StatusOr<RuntimeDir> Claim(const std::string& path);

  // Goes on with the claim of a former daemon, whose Fd() `folder` is. FailedPrecondition: that is
  // not the folder at `path`.
  static absl::StatusOr<RuntimeDir> Adopt(const std::string& path, UniqueFd folder);

  const std::string& Path() const { return path_; }

  // Gives the claim back, for all copies of Fd().
  void Release() const;

  // Holds the claim: as long as anybody has a copy, it is claimed.
  int Fd() const { return folder_.Get(); }

 private:
  RuntimeDir(std::string path, UniqueFd folder)
      : path_(std::move(path)), folder_(std::move(folder)) {}

  std::string path_;
  UniqueFd folder_;  // Holds the lock.
};

}  // namespace tombolo::control
