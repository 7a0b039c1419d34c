#include "control/daemon/runtime_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"

namespace tombolo::control {
namespace {

constexpr mode_t kFolderMode = 0755;

absl::Status FolderError(int error, const std::string& path) {
  switch (error) {
    case ENOENT:
      return absl::NotFoundError(absl::StrCat("the folder above '", path,
                                              "' does not exist; make it, or choose another "
                                              "--runtime-dir."));
    case ENOTDIR:
      return absl::FailedPreconditionError(
          absl::StrCat(path, " is not a folder; remove it, or choose another --runtime-dir."));
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(
          absl::StrCat("this user (", geteuid(), ") may not write in ", path,
                       "; run tombolod as its owner, or choose another --runtime-dir."));
    default:
      return ErrnoStatus(error, absl::StrCat("use ", path, " as the runtime folder"));
  }
}

}  // namespace

absl::StatusOr<RuntimeDir> RuntimeDir::Claim(const std::string& path) {
  if (mkdir(path.c_str(), kFolderMode) != 0 && errno != EEXIST) return FolderError(errno, path);
  UniqueFd folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.IsOpen()) return FolderError(errno, path);
  if (faccessat(folder.Get(), ".", W_OK | X_OK, AT_EACCESS) != 0) return FolderError(errno, path);
  if (flock(folder.Get(), LOCK_EX | LOCK_NB) == 0) return RuntimeDir(path, std::move(folder));
  if (errno != EWOULDBLOCK) return FolderError(errno, path);
  return absl::AlreadyExistsError(
      absl::StrCat("another tombolod serves ", path,
                   "; stop it first, or choose another --runtime-dir for a second region."));
}

absl::StatusOr<RuntimeDir> RuntimeDir::Adopt(const std::string& path, UniqueFd folder) {
  struct stat kept, present;
  if (fstat(folder.Get(), &kept) != 0) return FolderError(errno, path);
  if (stat(path.c_str(), &present) == 0 && kept.st_dev == present.st_dev &&
      kept.st_ino == present.st_ino && flock(folder.Get(), LOCK_EX | LOCK_NB) == 0) {
    return RuntimeDir(path, std::move(folder));
  }
  return absl::FailedPreconditionError(
      absl::StrCat("its sockets are not in ", path,
                   ", or that folder was removed or given to another meanwhile."));
}

void RuntimeDir::Release() const { flock(folder_.Get(), LOCK_UN); }

}  // namespace tombolo::control
