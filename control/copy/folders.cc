#include "control/copy/folders.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/copy/part_file.h"
#include "transport/base/errno_status.h"

namespace tombolo::control {
namespace {

// A path that somebody renames while it is resolved below a folder is EAGAIN.
constexpr int kMostTries = 16;

// Of folders that are made.
constexpr mode_t kFolderMode = 0755;

absl::Status OpenError(int error, const std::string& path) {
  if (error == EXDEV) {
    return absl::PermissionDeniedError(absl::StrCat(
        path, " leads out of the folder that --allow-copy names, by `..` or by a link"));
  }
  if (error == ENOSYS) {
    return absl::UnimplementedError(
        "this kernel has no openat2(), without which paths are not safe; Linux 5.6 has it, but for "
        "a service of systemd with RestrictSUIDSGID=");
  }
  return ErrnoStatus(error, absl::StrCat("open ", path));
}

// `rest` below `folder`, and never elsewhere.
absl::StatusOr<UniqueFd> OpenBelow(int folder, const std::string& rest, uint64_t flags) {
  open_how how = {};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  int error = EAGAIN;
  for (int i = 0; i < kMostTries && (error == EAGAIN || error == EINTR); ++i) {
    UniqueFd fd(static_cast<int>(syscall(SYS_openat2, folder, rest.c_str(), &how, sizeof(how))));
    if (fd.IsOpen()) return fd;
    error = errno;
  }
  return OpenError(error, rest);
}

std::string_view WithoutSlashes(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  return path;
}

bool IsBelow(std::string_view path, std::string_view folder) {
  if (folder == "/") return true;
  if (!path.starts_with(folder)) return false;
  return path.size() == folder.size() || path[folder.size()] == '/';
}

std::string Copied(std::string_view text) { return std::string(text); }

}  // namespace

absl::StatusOr<FolderRule> ParseFolderRule(std::string_view text) {
  FolderRule rule;
  std::string_view path = text;
  if (path.ends_with(":rw") || path.ends_with(":ro")) {
    rule.may_write = path.ends_with(":rw");
    path.remove_suffix(3);
  }
  if (!path.starts_with('/') || path.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", Copied(text),
                     "' is not of the form DIR, DIR:ro or DIR:rw with an absolute path, as in "
                     "/srv/share:rw."));
  }
  rule.path = std::filesystem::path(path).lexically_normal().string();
  if (rule.path.size() > 1 && rule.path.ends_with('/')) rule.path.pop_back();
  return rule;
}

absl::StatusOr<Folders> Folders::Open(const std::vector<FolderRule>& rules) {
  Folders folders;
  for (const FolderRule& rule : rules) {
    UniqueFd fd(open(rule.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.IsOpen()) {
      return ErrnoStatus(errno, absl::StrCat("open the folder ", rule.path, " of --allow-copy"));
    }
    folders.folders_.push_back({rule, std::move(fd)});
  }
  return folders;
}

absl::StatusOr<Folders::Below> Folders::FindOrFolder(std::string_view path) const {
  if (path.empty() || path.size() > kMaxCopyPathBytes || path.find('\0') != path.npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("a path has 1 to ", kMaxCopyPathBytes, " bytes, and none of them is 0"));
  }
  Below below;
  if (!path.starts_with('/')) {
    if (!folders_.empty()) below = {&folders_.front(), Copied(path)};
  } else {
    for (const Folder& folder : folders_) {
      const bool is_longer =
          below.folder == nullptr || folder.rule.path.size() > below.folder->rule.path.size();
      if (!IsBelow(path, folder.rule.path) || !is_longer) continue;
      const size_t skip = folder.rule.path == "/" ? 0 : folder.rule.path.size();
      below = {&folder, Copied(WithoutSlashes(path.substr(skip)))};
    }
  }
  if (below.folder != nullptr) return below;
  return absl::PermissionDeniedError(
      absl::StrCat(Copied(path),
                   " is below no folder that is allowed here; start this slot's "
                   "tombolo-agent with --allow-copy DIR (:rw to write there)"));
}

absl::StatusOr<Folders::Below> Folders::Find(std::string_view path) const {
  absl::StatusOr<Below> below = FindOrFolder(path);
  if (!below.ok() || !below->rest.empty()) return below;
  return absl::InvalidArgumentError(
      absl::StrCat(Copied(path), " is the folder itself; name a file in it"));
}

absl::StatusOr<UniqueFd> Folders::OpenForReading(std::string_view path) const {
  const absl::StatusOr<Below> below = Find(path);
  if (!below.ok()) return below.status();
  // Without waiting: a pipe that nobody writes must not hold us.
  absl::StatusOr<UniqueFd> file =
      OpenBelow(below->folder->fd.Get(), below->rest, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file.ok()) return file.status();
  struct stat seen;
  if (fstat(file->Get(), &seen) == 0 && S_ISREG(seen.st_mode)) return file;
  return absl::InvalidArgumentError(
      absl::StrCat(Copied(path), " is no regular file; only those are copied"));
}

absl::StatusOr<FilePlace> Folders::Place(std::string_view path) const {
  const absl::StatusOr<Below> below = Find(path);
  if (!below.ok()) return below.status();
  if (!below->folder->rule.may_write) {
    return absl::PermissionDeniedError(absl::StrCat(below->folder->rule.path,
                                                    " is only for reading; start this slot's "
                                                    "tombolo-agent with --allow-copy ",
                                                    below->folder->rule.path, ":rw"));
  }
  const size_t slash = below->rest.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : below->rest.substr(0, slash + 1);
  std::string name = slash == std::string::npos ? below->rest : below->rest.substr(slash + 1);
  if (absl::Status good = CheckFileName(name); !good.ok()) return good;
  absl::StatusOr<UniqueFd> folder =
      OpenBelow(below->folder->fd.Get(), parent, O_RDONLY | O_DIRECTORY);
  if (!folder.ok()) return folder.status();
  return FilePlace{*std::move(folder), std::move(name)};
}

absl::StatusOr<FilePlace> Folders::PlaceForWriting(std::string_view path) const {
  absl::StatusOr<FilePlace> place = Place(path);
  if (!place.ok()) return place;
  struct stat seen;
  if (fstatat(place->folder.Get(), place->name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISDIR(seen.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(Copied(path), " is a folder; end it with / to copy into it"));
  }
  return place;
}

absl::Status Folders::MakeFolder(std::string_view path) const {
  const absl::StatusOr<FilePlace> place = Place(path);
  if (!place.ok()) return place.status();
  if (mkdirat(place->folder.Get(), place->name.c_str(), kFolderMode) == 0) return absl::OkStatus();
  if (errno != EEXIST) return CannotWrite(errno, absl::StrCat("make the folder ", Copied(path)));
  // A link to one would do for what is written below it: the kernel keeps that from leading out.
  return OpenFolder(path).status();
}

absl::StatusOr<UniqueFd> Folders::OpenFolder(std::string_view path) const {
  const absl::StatusOr<Below> below = FindOrFolder(path);
  if (!below.ok()) return below.status();
  return OpenBelow(below->folder->fd.Get(), below->rest.empty() ? "." : below->rest,
                   O_RDONLY | O_DIRECTORY);
}

}  // namespace tombolo::control
