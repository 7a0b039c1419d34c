#include "transport/base/unix_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"

namespace tombolo {
namespace {

constexpr int kListenBacklog = 128;

absl::StatusOr<sockaddr_un> Address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the socket path '", path, "' has ", path.size(), " bytes; a socket address holds 1 to ",
        sizeof(address.sun_path) - 1, ". Choose a shorter folder with --runtime-dir."));
  }
  memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* Generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

absl::Status RemoveStale(const std::string& path, int type) {
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? absl::OkStatus() : ErrnoStatus(errno, absl::StrCat("look at ", path));
  }
  if (!S_ISSOCK(info.st_mode)) {
    return absl::AlreadyExistsError(
        absl::StrCat(path, " exists and is not a socket; remove it or choose another folder."));
  }
  // Not blocking: a server that is alive but accepts nobody must not stop us too.
  const absl::Status probe = ConnectUnix(path, type | SOCK_NONBLOCK).status();
  if (probe.ok() || absl::IsFailedPrecondition(probe) || absl::IsResourceExhausted(probe)) {
    return absl::AlreadyExistsError(
        absl::StrCat("another process serves ", path, "; stop it first or choose another folder."));
  }
  // Only a refusal proves that nobody serves it: without permission to ask, it may be in use.
  if (!absl::IsUnavailable(probe) && !absl::IsNotFound(probe)) return probe;
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return ErrnoStatus(errno, absl::StrCat("remove the stale socket ", path));
  }
  return absl::OkStatus();
}

bool IsSocket(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

absl::Status ConnectError(int error, const std::string& path) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(absl::StrCat("there is no socket ", path, "."));
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(
          absl::StrCat("this user may not open ", path,
                       "; use sudo, or join the group that owns it (ls -l ", path, ")."));
    case ECONNREFUSED:  // Also Linux's answer for what is no socket at all.
      if (!IsSocket(path)) {
        return absl::FailedPreconditionError(absl::StrCat(path, " is not a socket."));
      }
      return absl::UnavailableError(absl::StrCat("nobody listens at ", path, "."));
    case EAGAIN:
      return absl::ResourceExhaustedError(
          absl::StrCat("the server of ", path, " has a full queue of connections; is it stuck?"));
    case EPROTOTYPE:
      return absl::FailedPreconditionError(
          absl::StrCat(path, " is a socket of another type, so it belongs to another program."));
    default:
      return ErrnoStatus(error, absl::StrCat("connect to ", path));
  }
}

// 0: none. For connect() as well (socket(7)).
void SetSendTimeout(int socket, int64_t timeout_ns) {
  const timeval timeout{.tv_sec = timeout_ns / kNsPerSecond,
                        .tv_usec = timeout_ns % kNsPerSecond / kNsPerUs};
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
}

void TakeFds(msghdr& message, std::vector<UniqueFd>& fds) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      fds.emplace_back(fd);
    }
  }
}

}  // namespace

absl::StatusOr<UniqueFd> ListenUnix(const std::string& path, int type, unsigned mode) {
  const absl::StatusOr<sockaddr_un> address = Address(path);
  if (!address.ok()) return address.status();
  if (absl::Status status = RemoveStale(path, type); !status.ok()) return status;
  UniqueFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!fd.IsOpen()) return ErrnoStatus(errno, "make a Unix socket");
  if (bind(fd.Get(), Generic(*address), sizeof(*address)) != 0 || chmod(path.c_str(), mode) != 0 ||
      listen(fd.Get(), kListenBacklog) != 0) {
    return ErrnoStatus(errno, absl::StrCat("listen at ", path));
  }
  return fd;
}

// SUBTLE: not without a limit. A server may be gone while its socket is kept for the next one. Then
// the queue fills, and nobody knows for how long.
absl::StatusOr<UniqueFd> ConnectUnix(const std::string& path, int type, int64_t timeout_ns) {
  const absl::StatusOr<sockaddr_un> address = Address(path);
  if (!address.ok()) return address.status();
  UniqueFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!fd.IsOpen()) return ErrnoStatus(errno, "make a Unix socket");
  SetSendTimeout(fd.Get(), std::max(timeout_ns, kNsPerUs));
  int result;
  do {
    result = connect(fd.Get(), Generic(*address), sizeof(*address));
  } while (result != 0 && errno == EINTR);
  if (result != 0) return ConnectError(errno, path);
  SetSendTimeout(fd.Get(), 0);
  return fd;
}

absl::StatusOr<std::pair<UniqueFd, UniqueFd>> UnixSocketPair(int type) {
  int fds[2];
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) != 0) {
    return ErrnoStatus(errno, "make a pair of Unix sockets");
  }
  return std::pair<UniqueFd, UniqueFd>(fds[0], fds[1]);
}

int SendMessage(int socket, std::span<const std::byte> bytes, std::span<const int> fds) {
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxFdsPerMessage * sizeof(int))];
  iovec vector{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (fds.size() > kMaxFdsPerMessage) return EINVAL;
  if (!fds.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(fds.size_bytes());
    memcpy(CMSG_DATA(part), fds.data(), fds.size_bytes());
  }
  ssize_t sent;
  do {
    sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return errno;
  return static_cast<size_t>(sent) == bytes.size() ? 0 : EMSGSIZE;
}

absl::StatusOr<ReceivedMessage> ReceiveMessage(int socket, std::span<std::byte> buffer) {
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxFdsPerMessage * sizeof(int))];
  iovec vector{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  ssize_t size;
  do {
    size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  ReceivedMessage received;
  if (size < 0) {
    if (errno == ECONNRESET) return received;
    if (errno == EAGAIN) return absl::UnavailableError("no message yet");
    return ErrnoStatus(errno, "receive from a Unix socket");
  }
  TakeFds(message, received.fds);
  if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
    return absl::DataLossError(absl::StrCat(
        "a message of more than ", buffer.size(),
        " bytes, or with more descriptors than this process may open (see `ulimit -n`)."));
  }
  received.size_bytes = static_cast<size_t>(size);
  return received;
}

absl::StatusOr<ucred> PeerCredentials(int socket) {
  ucred credentials;
  socklen_t size = sizeof(credentials);
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return ErrnoStatus(errno, "ask for the credentials of a peer");
  }
  return credentials;
}

}  // namespace tombolo
