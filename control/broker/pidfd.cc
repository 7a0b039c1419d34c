#include "control/broker/pidfd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

bool HasHungUp(int socket) {
  pollfd wait{.fd = socket, .events = POLLRDHUP, .revents = 0};
  return poll(&wait, 1, 0) != 0;
}

}  // namespace

absl::StatusOr<UniqueFd> OpenPidfd(pid_t pid) {
  UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (pidfd.IsOpen()) return pidfd;
  if (errno == ESRCH) return absl::NotFoundError(absl::StrCat("there is no process ", pid, "."));
  return ErrnoStatus(errno, absl::StrCat("open a pidfd of process ", pid));
}

absl::StatusOr<PeerProcess> OpenPeerProcess(int socket) {
  const absl::StatusOr<ucred> peer = PeerCredentials(socket);
  if (!peer.ok()) return peer.status();
  if (peer->pid <= 0) {
    return absl::FailedPreconditionError(
        "the process that connected lives in a pid namespace that the broker cannot see, so its "
        "death could not be proven. Run it in the broker's pid namespace (docker: --pid=host).");
  }
  absl::StatusOr<UniqueFd> pidfd = OpenPidfd(peer->pid);
  if (!pidfd.ok()) return pidfd.status();
  // SUBTLE: between connect and pidfd_open the process may have died and its pid may name another
  // by now. Its socket would have hung up then.
  if (HasHungUp(socket)) return absl::UnavailableError("the process that connected is gone.");
  return PeerProcess{peer->pid, *std::move(pidfd)};
}

absl::Status KillProcess(const UniqueFd& pidfd, pid_t pid) {
  if (syscall(SYS_pidfd_send_signal, pidfd.Get(), SIGKILL, nullptr, 0) == 0 || errno == ESRCH) {
    return absl::OkStatus();
  }
  if (errno != EPERM) return ErrnoStatus(errno, absl::StrCat("end process ", pid));
  return absl::PermissionDeniedError(
      absl::StrCat("process ", pid, " is another user's, so tombolod may not end it: do that as ",
                   "root, by `kill ", pid, "` or by whoever has started it (`virsh destroy`)."));
}

}  // namespace tombolo::control
