#include "control/daemon/region_folder.h"

#include <errno.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "control/region_source/uuid_file.h"
#include "spdlog/spdlog.h"
#include "transport/base/errno_status.h"

namespace tombolo::control {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kOpenMode = 0755;
constexpr mode_t kGroupMode = 0750;
constexpr size_t kGroupBytes = 64 * 1024;  // Of one group with its members.

// `what`: as in "make /run/tombolo/blue".
absl::Status Refused(int error, const std::string& what) {
  if (error != EPERM && error != EACCES && error != EROFS) return ErrnoStatus(error, what);
  return absl::PermissionDeniedError(absl::StrCat("tombolod, as user ", geteuid(), ", may not ",
                                                  what,
                                                  "; it has to own the folder above and to be in "
                                                  "the group (SupplementaryGroups= of its unit)."));
}

// Its number where it has none.
std::string GroupName(gid_t group) {
  std::vector<char> buffer(kGroupBytes);
  struct group entry;
  struct group* found = nullptr;
  getgrgid_r(group, &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? entry.gr_name : absl::StrCat(group);
}

absl::Status GiveTo(const std::string& path, gid_t group) {
  // Never through a link.
  if (lchown(path.c_str(), static_cast<uid_t>(-1), group) == 0) return absl::OkStatus();
  const int error = errno;
  return Refused(error, absl::StrCat("give ", path, " to the group ", GroupName(group)));
}

// Its sockets, as far as it can be read.
std::vector<std::string> SocketsIn(const std::string& folder) {
  std::vector<std::string> sockets;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code gone;
    if (it->symlink_status(gone).type() == fs::file_type::socket) sockets.push_back(it->path());
  }
  return sockets;
}

}  // namespace

absl::StatusOr<std::optional<gid_t>> FindGroup(const std::string& name) {
  if (name.empty()) return std::nullopt;
  std::vector<char> buffer(kGroupBytes);
  struct group entry;
  struct group* found = nullptr;
  const int error = getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (error != 0) return ErrnoStatus(error, "look for a group");
  if (found != nullptr) return entry.gr_gid;
  return absl::InvalidArgumentError(
      "this host has no group of that name; `getent group` lists those that there are.");
}

absl::Status MakeRegionFolder(const std::string& path, std::optional<gid_t> group) {
  if (mkdir(path.c_str(), group ? kGroupMode : kOpenMode) != 0 && errno != EEXIST) {
    return Refused(errno, absl::StrCat("make ", path));
  }
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) return ErrnoStatus(errno, absl::StrCat("look at ", path));
  if (!S_ISDIR(info.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is not a folder; remove it, or choose another name."));
  }
  if (!group) return absl::OkStatus();
  if (absl::Status given = GiveTo(path, *group); !given.ok()) return given;
  // Whatever the process's umask took away, and whoever made the folder.
  if (chmod(path.c_str(), kGroupMode) == 0) return absl::OkStatus();
  return Refused(errno, absl::StrCat("set the mode of ", path));
}

absl::Status GiveSocketsTo(const std::string& folder, std::optional<gid_t> group) {
  if (!group) return absl::OkStatus();
  for (const std::string& socket : SocketsIn(folder)) {
    if (absl::Status given = GiveTo(socket, *group); !given.ok()) return given;
  }
  return absl::OkStatus();
}

std::string GroupOf(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0 ? GroupName(info.st_gid) : "";
}

void RemoveRegionFolder(const std::string& path) {
  for (const std::string& socket : SocketsIn(path)) unlink(socket.c_str());
  RemoveUuidFile(path);
  if (rmdir(path.c_str()) != 0 && errno != ENOENT) {
    spdlog::warn("{} stays: {}", path, std::system_category().message(errno));
  }
}

}  // namespace tombolo::control
