// OwnerAddress: where the owner of a cache is asked: a Unix socket, `/run/tombolo-kv/owner.sock` or
// `unix:owner.sock`; a TCP address, `127.0.0.1:11300` or `[::1]:11300`, as the near end of a tunnel
// may be; or a service of the region, `region:kvcache`, with the broker's socket behind an `@`
// where that is not the usual one: `region:kvcache@/run/tombolo/broker.sock`.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"

namespace tombolo::kvcache {

class OwnerAddress {
 public:
  // InvalidArgument says what an address looks like. Names are not looked up.
  static absl::StatusOr<OwnerAddress> Parse(const std::string& text);

  // Whether it is a service of the region: there is no socket to connect to then.
  bool IsInRegion() const { return !service_.empty(); }
  const std::string& Service() const { return service_; }
  const std::string& BrokerSocket() const { return broker_socket_; }

  // A connection, or the reason why there is none after `timeout_ns`. Of sockets.
  absl::StatusOr<UniqueFd> Connect(int64_t timeout_ns) const;

  const std::string& ToString() const { return text_; }

 private:
  absl::Status ParseRegion();
  absl::StatusOr<UniqueFd> ConnectUnixPath(int64_t timeout_ns) const;
  absl::StatusOr<UniqueFd> ConnectTcp(int64_t timeout_ns) const;

  std::string text_;
  std::string service_;  // Empty: a socket.
  std::string broker_socket_;
  std::string unix_path_;  // Empty: a TCP address.
  sockaddr_storage address_ = {};
  socklen_t address_bytes_ = 0;
};

}  // namespace tombolo::kvcache
