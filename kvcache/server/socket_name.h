// SocketName: an address of a connection, in memcached's words.
#pragma once

#include <cstdint>
#include <string>

namespace tombolo::kvcache {

struct SocketName {
  std::string text;                 // As `stats conns` tells it: tcp:127.0.0.1:11211, unix:PATH.
  std::string host = "unix";        // Without a port.
  uint16_t port = 0;                // 0: it has none.
  const char* transport = "local";  // Or tcp.
};

// The other side of the connection, and this one. What the kernel does not tell is a socket without
// a name.
SocketName PeerNameOf(int socket);
SocketName LocalNameOf(int socket);

}  // namespace tombolo::kvcache
