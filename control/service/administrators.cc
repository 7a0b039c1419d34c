#include "control/service/administrators.h"

#include <errno.h>
#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "absl/status/statusor.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

constexpr uid_t kRoot = 0;

// A member list of any length that occurs.
constexpr size_t kMostGroupBytes = size_t{1} << 20;

std::optional<gid_t> FindGroup(const char* name) {
  group entry;
  group* found = nullptr;
  for (size_t size = 1024; size <= kMostGroupBytes; size *= 2) {
    std::vector<char> buffer(size);
    const int error = getgrnam_r(name, &entry, buffer.data(), buffer.size(), &found);
    if (error == ERANGE) continue;
    return found == nullptr ? std::nullopt : std::optional<gid_t>(found->gr_gid);
  }
  return std::nullopt;
}

// Besides the one that PeerCredentials() tells; none when the kernel does not say.
std::vector<gid_t> OtherGroups(int socket) {
  socklen_t bytes = 0;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, nullptr, &bytes) == 0 || errno != ERANGE) {
    return {};
  }
  std::vector<gid_t> groups(bytes / sizeof(gid_t));
  if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes) != 0) return {};
  return groups;
}

}  // namespace

Administrators Administrators::OfThisProcess() {
  return {{kRoot, geteuid()}, FindGroup(kAdminGroup)};
}

bool Administrators::Include(int socket) const {
  const absl::StatusOr<ucred> peer = PeerCredentials(socket);
  if (!peer.ok()) return false;
  if (users_.contains(peer->uid)) return true;
  if (!group_) return false;
  return peer->gid == *group_ || std::ranges::count(OtherGroups(socket), *group_) != 0;
}

}  // namespace tombolo::control
