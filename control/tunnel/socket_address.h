// SocketAddress: where a local stream socket listens or is reached: `127.0.0.1:11211`,
// `[::1]:11211`, `localhost:11211`, or `unix:/run/app.sock`. Names are not looked up: a tunnel ends
// on its own machine, and a status page is served on it.
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

class SocketAddress {
 public:
  // InvalidArgument says what an address looks like.
  static absl::StatusOr<SocketAddress> Parse(std::string_view text);

  // Listens without blocking. A Unix socket gets the permissions `unix_mode`.
  absl::StatusOr<UniqueFd> Listen(unsigned unix_mode) const;

  // Begins to connect without blocking: once the socket is writable, ConnectError() tells the
  // outcome. No descriptor: the queue of the Unix socket is full, for which nothing can wait; try
  // again later.
  absl::StatusOr<UniqueFd> StartConnect() const;

  // The outcome of a connect that began.
  absl::Status ConnectError(int socket) const;

  // The same place, however it was written.
  bool operator==(const SocketAddress& other) const;

  // Reached from this machine only, over TCP.
  bool IsLoopback() const;

  bool IsUnix() const { return !unix_path_.empty(); }
  const std::string& UnixPath() const { return unix_path_; }
  const std::string& ToString() const { return text_; }

 private:
  SocketAddress() = default;

  absl::StatusOr<UniqueFd> MakeSocket() const;

  std::string text_;
  std::string unix_path_;
  sockaddr_storage address_{};
  socklen_t address_bytes_ = 0;
};

// The TCP port that a listening socket has, for those that asked for port 0; 0 for a Unix socket.
uint16_t LocalPort(int socket);

// Small requests are sent at once. Nothing happens to a Unix socket.
void SendAtOnce(int socket);

// Makes close() of a TCP connection send a reset.
void ResetOnClose(int socket);

}  // namespace tombolo::control
