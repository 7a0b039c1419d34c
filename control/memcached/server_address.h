// ServerAddress: where a memcached server is: `127.0.0.1:11211`, `[::1]:11211`, `cache.example`, or
// `unix:/run/kv.sock`. Without a port it is 11211. Names are looked up when it is connected to.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

class ServerAddress {
 public:
  // InvalidArgument says what an address looks like.
  static absl::StatusOr<ServerAddress> Parse(const std::string& text);

  // A connection that does not block. Unavailable: nobody is there, or nobody has answered at any
  // of the name's addresses for `timeout_ns`; looking a name up may take longer, as the system is
  // configured. PermissionDenied: a Unix socket that this user may not use.
  absl::StatusOr<UniqueFd> Connect(int64_t timeout_ns) const;

  // With the port.
  const std::string& ToString() const { return text_; }

 private:
  absl::StatusOr<UniqueFd> ConnectTcp(int64_t timeout_ns) const;

  std::string text_;
  std::string unix_path_;  // Empty: it is reached by TCP.
  std::string host_;
  std::string port_;
};

}  // namespace tombolo::control
