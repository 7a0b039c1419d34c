#include "control/ivshmem_server/ivshmem_client.h"

#include <endian.h>
#include <errno.h>
#include <sys/socket.h>

#include <span>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

int Send(int socket, const HandshakeMessage& message) {
  const uint64_t wire = htole64(static_cast<uint64_t>(message.value));
  const std::span<const int> fds(&message.fd, message.fd < 0 ? 0 : 1);
  return SendMessage(socket, std::as_bytes(std::span(&wire, 1)), fds);
}

}  // namespace

IvshmemClient::IvshmemClient(UniqueFd socket, const Handshake& handshake, uint32_t cursor)
    : socket_(std::move(socket)),
      handshake_(handshake),
      cursor_(cursor),
      description_(Describe(socket_.Get())) {}

IvshmemClient::Progress IvshmemClient::SendMore() {
  for (; !HandshakeIsSent(); ++cursor_) {
    switch (Send(socket_.Get(), handshake_.Message(cursor_))) {
      case 0:
        break;
      case EAGAIN:
        return Progress::kSocketIsFull;
      case ETOOMANYREFS:
      case ENOBUFS:
      case ENOMEM:
        return Progress::kSystemIsShort;
      default:
        return Progress::kGone;
    }
  }
  return Progress::kSent;
}

std::string IvshmemClient::Describe(int socket) {
  const absl::StatusOr<ucred> peer = PeerCredentials(socket);
  if (!peer.ok()) return "a process that the kernel does not name";
  return absl::StrCat("process ", peer->pid, " (user ", peer->uid, ")");
}

void IvshmemClient::Refuse(int socket, int reason) {
  // When it can't be sent, the client has gone, or has so much to read that it is past waiting.
  (void)Send(socket, {.value = -reason});
}

bool IvshmemClient::HasLeft() const {
  char byte;
  ssize_t size;
  do {
    size = recv(socket_.Get(), &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);
  } while (size < 0 && errno == EINTR);
  return size >= 0 || errno != EAGAIN;
}

}  // namespace tombolo::control
