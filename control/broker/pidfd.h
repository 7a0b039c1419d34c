// Pidfds: descriptors that become readable when a process has died, whatever its pid means by then.
#pragma once

#include <sys/types.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

// NotFound when there is no such process.
absl::StatusOr<UniqueFd> OpenPidfd(pid_t pid);

struct PeerProcess {
  pid_t pid = 0;
  UniqueFd pidfd;
};

// The process that connected `socket`. Unavailable when it has closed its end already,
// FailedPrecondition when it lives in a pid namespace that this process cannot see into.
absl::StatusOr<PeerProcess> OpenPeerProcess(int socket);

// Ends the process by SIGKILL, which the pidfd then tells. Good also when it has ended already;
// PermissionDenied when this process may not.
absl::Status KillProcess(const UniqueFd& pidfd, pid_t pid);

}  // namespace tombolo::control
