#include "kvcache/client/socket_carrier.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>

#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

bool IsForLater(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

absl::Status Gone(int error) { return absl::UnavailableError(strerror(error)); }

}  // namespace

absl::Status SocketCarrier::Connect(int64_t timeout_ns) {
  absl::StatusOr<UniqueFd> socket = address_.Connect(timeout_ns);
  if (!socket.ok()) return socket.status();
  socket_ = *std::move(socket);
  return absl::OkStatus();
}

// An owner that ended has closed its end; and nothing comes that was not asked for.
bool SocketCarrier::IsStillThere() {
  if (!socket_.IsOpen()) return false;
  char byte;
  return recv(socket_.Get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && IsForLater(errno);
}

absl::StatusOr<size_t> SocketCarrier::Send(std::string_view head, std::string_view value) {
  iovec parts[] = {{const_cast<char*>(head.data()), head.size()},
                   {const_cast<char*>(value.data()), value.size()}};
  msghdr message = {};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  const ssize_t sent = sendmsg(socket_.Get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return static_cast<size_t>(sent);
  return IsForLater(errno) ? absl::StatusOr<size_t>(size_t{0}) : Gone(errno);
}

absl::StatusOr<size_t> SocketCarrier::Receive(char* to, size_t bytes) {
  const ssize_t got = recv(socket_.Get(), to, bytes, MSG_DONTWAIT);
  if (got > 0) return static_cast<size_t>(got);
  if (got == 0) return absl::UnavailableError("");
  return IsForLater(errno) ? absl::StatusOr<size_t>(size_t{0}) : Gone(errno);
}

absl::StatusOr<bool> SocketCarrier::Await(Until until, int64_t deadline_ns) {
  const int16_t events = until == Until::kSendable ? POLLOUT : POLLIN;
  for (;;) {
    // Rounded up: not shorter than it was asked for.
    const int64_t left_ns = std::max<int64_t>(deadline_ns - MonotonicNs(), 0);
    pollfd waiting{.fd = socket_.Get(), .events = events, .revents = 0};
    const int ready = poll(&waiting, 1, static_cast<int>((left_ns + kNsPerMs - 1) / kNsPerMs));
    if (ready >= 0) return ready > 0;
    if (errno != EINTR) return Gone(errno);
  }
}

}  // namespace tombolo::kvcache
