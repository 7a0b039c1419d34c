// Listening sockets: TCP addresses and a Unix socket, from the flags of memcached.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"

namespace tombolo::kvcache {

inline constexpr int kNoTcp = 0;
inline constexpr int kAnyPort = -1;  // The kernel chooses.

struct ListenOptions {
  // HOST, HOST:PORT, [IPV6] or [IPV6]:PORT; names are looked up, and stand for all their addresses.
  std::vector<std::string> interfaces = {"127.0.0.1"};
  int port = 11211;       // Of interfaces that name none; kNoTcp or kAnyPort.
  std::string unix_path;  // Empty: none.
  unsigned unix_mode = 0700;
  int backlog = 1024;
};

struct ListeningSocket {
  UniqueFd fd;  // Does not block.
  std::string name;
  uint16_t tcp_port = 0;  // 0: a Unix socket.
};

// All of them, or an error: InvalidArgument for an interface that makes no sense, NotFound for one
// that has no address, AlreadyExists when somebody listens there, else what the system says.
absl::StatusOr<std::vector<ListeningSocket>> ListenAll(const ListenOptions& options);

// A Unix socket alone. AlreadyExists when somebody listens there, else what the system says.
absl::StatusOr<ListeningSocket> ListenUnixAt(const std::string& path, unsigned mode, int backlog);

// An interface's parts; exposed for tests.
struct Interface {
  std::string host;
  std::string port;  // Decimal.
};
absl::StatusOr<Interface> ParseInterface(const std::string& text, int usual_port);

}  // namespace tombolo::kvcache
