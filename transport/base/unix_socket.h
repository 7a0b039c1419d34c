// Unix sockets and the descriptors that travel over them.
//
// What it does not do: no queueing and no retries but for EINTR. Every descriptor that it makes or
// receives is close-on-exec. Thread safety: plain functions without state.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"

namespace tombolo {

// SCM_MAX_FD of Linux: one message carries no more (unix(7)).
inline constexpr size_t kMaxFdsPerMessage = 253;

// Listens at `path`, which is replaced when it is a socket that nobody serves.
//   type: SOCK_STREAM or SOCK_SEQPACKET, with SOCK_NONBLOCK if wanted.
//   mode: permissions of the socket file.
// Errors: AlreadyExists when another process serves the socket or the path is no socket,
// InvalidArgument when the path is too long for a socket address, else what the system says.
absl::StatusOr<UniqueFd> ListenUnix(const std::string& path, int type, unsigned mode);

// Connects to `path`. Unavailable when nobody listens there, NotFound when there is no such file,
// FailedPrecondition when it is no socket or one of another type, ResourceExhausted when the
// server's queue is full and stays so for `timeout_ns` (with SOCK_NONBLOCK: at once). Who waits
// comes in turn.
absl::StatusOr<UniqueFd> ConnectUnix(const std::string& path, int type,
                                     int64_t timeout_ns = 10 * kNsPerSecond);

// A connected pair.
absl::StatusOr<std::pair<UniqueFd, UniqueFd>> UnixSocketPair(int type);

// Sends all of `bytes` in one message, with `fds` attached (they stay the caller's). Never raises
// SIGPIPE. Returns 0, or the errno: EAGAIN, EPIPE and ETOOMANYREFS are answers that callers expect.
int SendMessage(int socket, std::span<const std::byte> bytes, std::span<const int> fds);

struct ReceivedMessage {
  size_t size_bytes = 0;  // 0: the other side has closed.
  std::vector<UniqueFd> fds;
};

// Receives one message into `buffer`. A message that did not fit, or whose descriptors did not, is
// DataLoss; nothing there yet on a non-blocking socket is Unavailable; ECONNRESET counts as a
// close.
absl::StatusOr<ReceivedMessage> ReceiveMessage(int socket, std::span<std::byte> buffer);

// The process at the other end as the kernel saw it connect (SO_PEERCRED).
absl::StatusOr<ucred> PeerCredentials(int socket);

}  // namespace tombolo
