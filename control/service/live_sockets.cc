#include "control/service/live_sockets.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>

#include "absl/status/statusor.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

std::optional<ino_t> InodeOf(int fd) {
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISSOCK(info.st_mode)) return std::nullopt;
  return info.st_ino;
}

pid_t ProcessAt(int fd) {
  const absl::StatusOr<ucred> credentials = PeerCredentials(fd);
  return credentials.ok() ? credentials->pid : 0;
}

}  // namespace

void LiveSockets::Add(int fd) {
  if (const std::optional<ino_t> inode = InodeOf(fd)) {
    entries_.push_back({fd, *inode, ProcessAt(fd)});
  }
}

bool LiveSockets::HasRoomFor(int fd, const Limits& limits) {
  if (Count() >= limits.all) return false;
  const pid_t process = ProcessAt(fd);
  const auto of_it = std::ranges::count(entries_, process, &Entry::process);
  return process == 0 || static_cast<size_t>(of_it) < limits.of_one_process;
}

size_t LiveSockets::Count() {
  std::erase_if(entries_, [](const Entry& entry) { return InodeOf(entry.fd) != entry.inode; });
  return entries_.size();
}

}  // namespace tombolo::control
