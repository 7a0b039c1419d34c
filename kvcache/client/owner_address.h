// OwnerAddress: where the owner of a cache is asked: a Unix socket, `/run/tombolo-kv/owner.sock` or
// `unix:owner.sock`, or a TCP address, `127.0.0.1:11300` or `[::1]:11300`, as the near end of a
// tunnel may be.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"

namespace tombolo::kvcache {

class OwnerAddress {
 public:
  // InvalidArgument says what an address looks like. Names are not looked up.
  static absl::StatusOr<OwnerAddress> Parse(const std::string& text);

  // A connection, or the reason why there is none after `timeout_ns`.
  absl::StatusOr<UniqueFd> Connect(int64_t timeout_ns) const;

  const std::string& ToString() const { return text_; }

 private:
  absl::StatusOr<UniqueFd> ConnectUnixPath(int64_t timeout_ns) const;
  absl::StatusOr<UniqueFd> ConnectTcp(int64_t timeout_ns) const;

  std::string text_;
  std::string unix_path_;  // Empty: a TCP address.
  sockaddr_storage address_ = {};
  socklen_t address_bytes_ = 0;
};

}  // namespace tombolo::kvcache
