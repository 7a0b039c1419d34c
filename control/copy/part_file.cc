#include "control/copy/part_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr std::string_view kSuffix = ".tombolo-part";
constexpr size_t kMostNameBytes = NAME_MAX - 1 - kSuffix.size();
// What the sender says counts, but for letting others write.
constexpr unsigned kPermissions = 0755;
constexpr uint64_t kSyncBytes = 256 * kMiB;
// How often a part may be committed by somebody else just as we open it.
constexpr int kMostTries = 8;

std::string PartName(const std::string& name) {
  return absl::StrCat(".", name, absl::string_view(kSuffix.data(), kSuffix.size()));
}

}  // namespace

absl::Status CheckFileName(std::string_view name) {
  const bool is_part = name.starts_with('.') && name.ends_with(kSuffix);
  if (!name.empty() && name != "." && name != ".." && name.find('/') == name.npos &&
      name.find('\0') == name.npos && name.size() <= kMostNameBytes && !is_part) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", std::string(name), "' is no name for a file: it has 1 to ", kMostNameBytes,
                   " bytes, is not . or .., and no part of another copy (*.tombolo-part)"));
}

absl::Status CannotWrite(int error, const std::string& what) {
  const absl::Status status = ErrnoStatus(error, what);
  if (error != EROFS) return status;
  return absl::Status(status.code(),
                      absl::StrCat(status.message(),
                                   "; a service of systemd writes only below the ReadWritePaths= "
                                   "of its unit (systemctl edit)"));
}

absl::StatusOr<PartFile> PartFile::Open(int folder, const std::string& name) {
  PartFile part(folder, name, PartName(name));
  for (int i = 0; i < kMostTries; ++i) {
    const absl::StatusOr<bool> opened = part.TryOpen();
    if (!opened.ok()) return opened.status();
    if (*opened) return part;
  }
  return absl::AbortedError(absl::StrCat(name, " is being received by others. Try again."));
}

// False: it was moved away meanwhile.
absl::StatusOr<bool> PartFile::TryOpen() {
  fd_ = UniqueFd(openat(folder_, part_name_.c_str(),
                        O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600));
  if (!fd_.IsOpen()) return CannotWrite(errno, absl::StrCat("write ", part_name_));
  struct stat seen;
  if (fstat(fd_.Get(), &seen) != 0) return ErrnoStatus(errno, absl::StrCat("look at ", part_name_));
  if (!S_ISREG(seen.st_mode) || seen.st_nlink > 1 || seen.st_uid != geteuid()) {
    return absl::FailedPreconditionError(
        absl::StrCat(part_name_, " is no file of this program's; remove it"));
  }
  if (flock(fd_.Get(), LOCK_EX | LOCK_NB) != 0) {
    return absl::AbortedError(
        absl::StrCat(name_, " is being received by another copy; wait for its end"));
  }
  struct stat named;
  if (fstatat(folder_, part_name_.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0) return false;
  // Again, now that nobody else changes it.
  if (fstat(fd_.Get(), &seen) != 0 || named.st_ino != seen.st_ino || named.st_dev != seen.st_dev) {
    return false;
  }
  size_bytes_ = static_cast<uint64_t>(seen.st_size);
  synced_bytes_ = size_bytes_;
  return true;
}

absl::Status PartFile::Truncate(uint64_t size_bytes) {
  if (ftruncate(fd_.Get(), static_cast<off_t>(size_bytes)) != 0) {
    return ErrnoStatus(errno, absl::StrCat("shorten ", part_name_));
  }
  size_bytes_ = size_bytes;
  synced_bytes_ = size_bytes;
  return absl::OkStatus();
}

absl::Status PartFile::Append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written =
        pwrite(fd_.Get(), bytes.data(), bytes.size(), static_cast<off_t>(size_bytes_));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0)
      return ErrnoStatus(written == 0 ? ENOSPC : errno, absl::StrCat("write ", name_));
    size_bytes_ += static_cast<uint64_t>(written);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  if (size_bytes_ - synced_bytes_ < kSyncBytes) return absl::OkStatus();
  synced_bytes_ = size_bytes_;
  return fdatasync(fd_.Get()) == 0 ? absl::OkStatus()
                                   : ErrnoStatus(errno, absl::StrCat("write ", name_));
}

absl::StatusOr<uint64_t> PartFile::FreeBytes() const {
  struct statvfs disk;
  if (fstatvfs(fd_.Get(), &disk) != 0) return ErrnoStatus(errno, "ask how full the disk is");
  return uint64_t{disk.f_bavail} * disk.f_frsize;
}

absl::Status PartFile::Commit(unsigned mode) {
  if (fchmod(fd_.Get(), mode & kPermissions) != 0 || fsync(fd_.Get()) != 0) {
    return ErrnoStatus(errno, absl::StrCat("finish ", name_));
  }
  if (renameat(folder_, part_name_.c_str(), folder_, name_.c_str()) != 0) {
    return ErrnoStatus(errno, absl::StrCat("put ", name_, " into its place"));
  }
  // Some file systems cannot do that with a folder; the file itself is safe.
  fsync(folder_);
  return absl::OkStatus();
}

void PartFile::Remove() { unlinkat(folder_, part_name_.c_str(), 0); }

}  // namespace tombolo::control
