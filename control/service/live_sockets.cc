#include "control/service/live_sockets.h"

#include <sys/stat.h>

#include <optional>

namespace tombolo::control {
namespace {

std::optional<ino_t> InodeOf(int fd) {
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISSOCK(info.st_mode)) return std::nullopt;
  return info.st_ino;
}

}  // namespace

void LiveSockets::Add(int fd) {
  if (const std::optional<ino_t> inode = InodeOf(fd)) entries_.push_back({fd, *inode});
}

size_t LiveSockets::Count() {
  std::erase_if(entries_, [](const Entry& entry) { return InodeOf(entry.fd) != entry.inode; });
  return entries_.size();
}

}  // namespace tombolo::control
