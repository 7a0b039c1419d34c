// Administrators: who may change what a daemon does: root, the daemon's own user, and members of
// the group `tombolo-admin`, if there is one. The kernel tells who has connected (SO_PEERCRED and
// SO_PEERGROUPS of unix(7)), as it was at that moment.
//
// Thread safety: none needed; it does not change.
#pragma once

#include <sys/types.h>

#include <optional>
#include <set>
#include <utility>

namespace tombolo::control {

inline constexpr char kAdminGroup[] = "tombolo-admin";

class Administrators {
 public:
  Administrators(std::set<uid_t> users, std::optional<gid_t> group)
      : users_(std::move(users)), group_(group) {}

  // Root, and the user that this process runs as, and the group by its name.
  static Administrators OfThisProcess();

  // Whether an administrator has connected `socket`, a Unix socket. False when the kernel does not
  // tell.
  bool Include(int socket) const;

 private:
  std::set<uid_t> users_;
  std::optional<gid_t> group_;
};

}  // namespace tombolo::control
