// Connection: what is said to a memcached server and what it answers, as lines and blocks of bytes.
// Every wait ends: a server that takes or says nothing for the timeout is given up. What it may say
// is bounded by the caller or here. Used by one thread.
//
// After an error nobody knows what the next bytes would mean: the connection is of no more use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

class Connection {
 public:
  // No server says longer lines.
  static constexpr size_t kMostLineBytes = 8192;

  // `socket` does not block. `server` names it in errors.
  Connection(UniqueFd socket, std::string server, int64_t timeout_ns);

  // Unavailable: the server takes nothing, or has closed.
  absl::Status Send(std::string_view bytes);

  // The next line, without its end. Unavailable: the server says nothing, or has closed;
  // FailedPrecondition: the line does not end.
  absl::StatusOr<std::string> ReadLine();

  // The next `bytes` bytes. Memory is taken as they come. Unavailable as above.
  absl::StatusOr<std::string> ReadBlock(size_t bytes);

 private:
  // Waits for `events` of poll(2).
  absl::Status WaitFor(short events, std::string_view what);
  absl::Status ReadMore();

  UniqueFd socket_;
  const std::string server_;
  const int64_t timeout_ns_;
  std::string read_;  // And not yet asked for.
};

}  // namespace tombolo::control
