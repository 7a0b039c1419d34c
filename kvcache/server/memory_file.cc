#include "kvcache/server/memory_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "kvcache/server/random_seed.h"
#include "transport/base/errno_status.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

constexpr mode_t kFileMode = 0640;
constexpr int kCollapse = 25;   // MADV_COLLAPSE of Linux 6.1, which glibc 2.36 does not name.
constexpr int kMaxClaims = 16;  // So often the file may be replaced under our hands.

// SAFETY: a mapping of at least an extent, from the beginning of the file.
MemoryFileHeader& HeaderOf(const Mapping& mapping) {
  return *reinterpret_cast<MemoryFileHeader*>(mapping.Bytes().data());
}

absl::Status OpenError(int error, const std::string& path) {
  if (error == ELOOP) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is a symbolic link; give the file itself with --memory-file."));
  }
  return ErrnoStatus(error, absl::StrCat("open the memory file ", path,
                                         "; choose another one with --memory-file"));
}

absl::Status HasOwner(const std::string& path) {
  return absl::AlreadyExistsError(
      absl::StrCat("another tombolo-kv owns the memory file ", path, " and is alive (`fuser -v ",
                   path, "` shows it); stop it, or choose another --memory-file."));
}

absl::Status TooLittleRoom(const MemoryFileOptions& options) {
  return absl::ResourceExhaustedError(absl::StrCat(
      "there is no room for ", options.file_bytes / kMiB, " MiB at ", options.path,
      "; choose a smaller --memory-limit, or make more room there (`df -h` shows it; for /dev/shm: "
      "`mount -o remount,size=...`, for a container: --shm-size)."));
}

// Others who write the file could change every item behind our back.
absl::Status CheckFile(const std::string& path, const struct stat& info) {
  if (!S_ISREG(info.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is no regular file; choose another --memory-file."));
  }
  if (info.st_uid == geteuid() && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(
      absl::StrCat(path, " belongs to user ", info.st_uid,
                   ", or its group or others may write it; nobody but "
                   "this user (",
                   geteuid(), ") may. Remove it, or choose another --memory-file."));
}

// Opens and locks what is at `path`, an empty file if there was none.
absl::StatusOr<UniqueFd> OpenLocked(const std::string& path, struct stat& info) {
  for (int claim = 0; claim < kMaxClaims; ++claim) {
    UniqueFd file(open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kFileMode));
    if (!file.IsOpen()) return OpenError(errno, path);
    if (fstat(file.Get(), &info) != 0) return OpenError(errno, path);
    if (absl::Status status = CheckFile(path, info); !status.ok()) return status;
    if (flock(file.Get(), LOCK_EX | LOCK_NB) != 0) {
      return errno == EWOULDBLOCK ? HasOwner(path) : OpenError(errno, path);
    }
    // The owner before may have put a new file there since we opened the old one.
    struct stat now;
    const bool is_there = lstat(path.c_str(), &now) == 0;
    const bool is_same = is_there && now.st_ino == info.st_ino && now.st_dev == info.st_dev;
    if (!is_same) continue;
    info = now;  // Nobody else changes it any more.
    return file;
  }
  return HasOwner(path);
}

// Puts a new, empty file in the place of the one at `path`, which the caller has locked. It is
// locked before it is there.
absl::StatusOr<UniqueFd> Replace(const std::string& path) {
  const std::string new_path = path + ".new";
  unlink(new_path.c_str());
  UniqueFd file(open(new_path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
  if (!file.IsOpen()) return OpenError(errno, new_path);
  if (flock(file.Get(), LOCK_EX | LOCK_NB) != 0) return OpenError(errno, new_path);
  if (rename(new_path.c_str(), path.c_str()) != 0) return OpenError(errno, path);
  return file;
}

absl::Status Allocate(const MemoryFileOptions& options, int file) {
  int error;
  do {
    error = posix_fallocate(file, 0, static_cast<off_t>(options.file_bytes));
  } while (error == EINTR);
  if (error == 0) return absl::OkStatus();
  if (error == ENOSPC || error == ENOMEM || error == EFBIG || error == EDQUOT) {
    return TooLittleRoom(options);
  }
  return ErrnoStatus(error, absl::StrCat("allocate ", options.path));
}

// As a copy of a file may have, or one that was cut and made longer again.
bool HasHoles(int file, uint64_t file_bytes) {
  constexpr uint64_t kStatBlockBytes = 512;
  struct stat info;
  return fstat(file, &info) != 0 ||
         static_cast<uint64_t>(info.st_blocks) * kStatBlockBytes < file_bytes;
}

bool BeginsWithMagic(std::string_view bytes) {
  uint64_t magic = 0;
  if (bytes.size() < sizeof(magic)) return false;
  memcpy(&magic, bytes.data(), sizeof(magic));
  return magic == kMemoryFileMagic;
}

// Whether nothing of anybody else is lost when the file is replaced. All of it must be zeros if it
// has no magic: images of disks begin with some.
bool IsOursOrZeros(int file) {
  std::string part(kMiB, '\0');
  for (off_t at = 0;;) {
    const ssize_t got = pread(file, part.data(), part.size(), at);
    if (got <= 0) return got == 0;
    const std::string_view seen(part.data(), static_cast<size_t>(got));
    if (at == 0 && BeginsWithMagic(seen)) return true;
    if (seen.find_first_not_of('\0') != std::string_view::npos) return false;
    at += got;
  }
}

// NotFound: the file has that shape, but it is not the one that is asked for.
absl::Status CheckShape(const FileShape& shape, const MemoryFileOptions& options) {
  if (shape.file_bytes != options.file_bytes) {
    return absl::NotFoundError(absl::StrCat("it had ", shape.file_bytes, " bytes, and ",
                                            options.file_bytes, " are wanted"));
  }
  if (options.shard_count != 0 && options.shard_count != shape.shard_count) {
    return absl::NotFoundError(absl::StrCat("it had ", shape.shard_count, " shards, and ",
                                            options.shard_count, " are wanted"));
  }
  if (shape.shard_count > options.most_shards) {
    return absl::NotFoundError(absl::StrCat("it had ", shape.shard_count,
                                            " shards, and the largest item fits into no more than ",
                                            options.most_shards));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<MemoryFile> MemoryFile::Claim(const MemoryFileOptions& options) {
  struct stat info;
  absl::StatusOr<UniqueFd> file = OpenLocked(options.path, info);
  if (!file.ok()) return file.status();
  if (info.st_size == 0) return Make(options, *std::move(file), "there was none");
  absl::StatusOr<MemoryFile> taken = TakeOver(options, *file);
  if (taken.ok() || !absl::IsNotFound(taken.status())) return taken;
  // The lock on the old file is kept until the new one is there.
  absl::StatusOr<UniqueFd> new_file = Replace(options.path);
  if (!new_file.ok()) return new_file.status();
  file->Reset();
  return Make(options, *std::move(new_file), std::string(taken.status().message()));
}

// NotFound: it is ours, but not what is wanted now; the message says why. `file` stays open then.
absl::StatusOr<MemoryFile> MemoryFile::TakeOver(const MemoryFileOptions& options, UniqueFd& file) {
  if (!IsOursOrZeros(file.Get())) {
    return absl::FailedPreconditionError(
        absl::StrCat(options.path,
                     " is no memory file of tombolo-kv and is left alone; remove it, or "
                     "choose another --memory-file."));
  }
  const absl::StatusOr<uint64_t> bytes = FileBytes(file.Get());
  if (!bytes.ok()) return bytes.status();
  if (*bytes < kExtentBytes) return absl::NotFoundError("it was never finished");
  absl::StatusOr<Mapping> mapping = Mapping::Map(file.Get(), 0, *bytes);
  if (!mapping.ok()) return mapping.status();
  const absl::StatusOr<FileShape> shape = ReadFileHeader(HeaderOf(*mapping), *bytes);
  if (!shape.ok()) return absl::NotFoundError(shape.status().message());
  if (absl::Status status = CheckShape(*shape, options); !status.ok()) {
    // Readers that map it need not wait for its heartbeats to learn that there will be none.
    HeaderOf(*mapping).owner.store(kOwnerStopped, std::memory_order_release);
    return status;
  }
  if (HasHoles(file.Get(), *bytes)) {
    if (absl::Status status = Allocate(options, file.Get()); !status.ok()) return status;
  }
  return MemoryFile(std::move(file), *std::move(mapping), *shape, "");
}

absl::StatusOr<MemoryFile> MemoryFile::Make(const MemoryFileOptions& options, UniqueFd file,
                                            std::string why_new) {
  const absl::StatusOr<uint64_t> seed = RandomSeed();
  if (!seed.ok()) return seed.status();
  const uint32_t shards = options.shard_count != 0 ? options.shard_count : options.usual_shards;
  const absl::StatusOr<FileShape> shape = ComputeFileShape(options.file_bytes, shards, *seed);
  if (!shape.ok()) return shape.status();
  // Whatever the umask is: readers of the group are to be let in.
  if (fchmod(file.Get(), kFileMode) != 0) return OpenError(errno, options.path);
  if (absl::Status status = Allocate(options, file.Get()); !status.ok()) {
    // What there is of it would be missing elsewhere.
    if (ftruncate(file.Get(), 0) != 0) unlink(options.path.c_str());
    return status;
  }
  absl::StatusOr<Mapping> mapping = Mapping::Map(file.Get(), 0, options.file_bytes);
  if (!mapping.ok()) return mapping.status();
  WriteFileHeader(*shape, HeaderOf(*mapping));
  return MemoryFile(std::move(file), *std::move(mapping), *shape, std::move(why_new));
}

absl::Status MemoryFile::UseLargePages() {
  const std::span<std::byte> bytes = mapping_.Bytes();
  if (madvise(bytes.data(), bytes.size(), kCollapse) == 0) return absl::OkStatus();
  return ErrnoStatus(errno,
                     "give the memory file large pages; that needs Linux 6.1, a file in memory "
                     "(tmpfs), and free memory in pieces of 2 MiB");
}

void MemoryFile::TellOwner(uint32_t owner) {
  // Release: whoever sees it sees what was done before.
  HeaderOf(mapping_).owner.store(owner, std::memory_order_release);
}

}  // namespace tombolo::kvcache
