// IvshmemClient: the server's end of one client's socket: how far the handshake was sent, and
// whether the client is still there. It has no watches and no timers; the server drives it.
//
// What it assumes of the peer: nothing. A client has nothing to say in this protocol, so any byte
// from it counts as leaving. Thread safety: one thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "control/ivshmem_server/handshake.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

class IvshmemClient {
 public:
  // `socket` must be a non-blocking stream socket. The handshake starts with message `cursor`.
  IvshmemClient(UniqueFd socket, const Handshake& handshake, uint32_t cursor);

  enum class Progress {
    kSent,           // All of the handshake.
    kSocketIsFull,   // Go on when the socket is writable.
    kSystemIsShort,  // Of memory, or too many descriptors are in flight: try again later.
    kGone,
  };

  // Sends as much of the handshake as the socket takes now, each message by one sendmsg: QEMU takes
  // at most one descriptor per read.
  Progress SendMore();

  bool HandshakeIsSent() const { return cursor_ == handshake_.MessageCount(); }

  // Messages of the handshake that were sent.
  uint32_t Cursor() const { return cursor_; }

  // Whether the client has closed its end, was killed (which may arrive as ECONNRESET when it had
  // not read everything), or has sent something.
  bool HasLeft() const;

  int Socket() const { return socket_.Get(); }

  // For people: "process 4711 (user 64055)".
  const std::string& Description() const { return description_; }
  static std::string Describe(int socket);

  // Tells a client that it cannot have the slot, by the impossible message -`reason` (an errno
  // value). A QEMU that waits for its handshake then ends, for example with "server sent version
  // -16, expecting 0".
  //
  // SUBTLE: a socket that closes without a word would make that QEMU read for ever, at full load.
  static void Refuse(int socket, int reason);

 private:
  UniqueFd socket_;
  Handshake handshake_;
  uint32_t cursor_;
  std::string description_;
};

}  // namespace tombolo::control
