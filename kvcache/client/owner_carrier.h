// OwnerCarrier: what carries the bytes between a reader and the owner of a cache, there and back,
// in order (docs/kvcache_owner_protocol.md). What they mean it does not know.
//
// Without a connection until Connect(); again after Close(), and after every error, of which there
// is one kind but for Connect(): Unavailable, the other side has gone. Its message is the reason,
// or empty. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kvcache/client/owner_address.h"

namespace tombolo::kvcache {

class OwnerCarrier {
 public:
  // What is waited for: that Send() takes more, or that Receive() has more.
  enum class Until { kSendable, kReceivable };

  virtual ~OwnerCarrier() = default;

  // Errors say why there is no connection; DeadlineExceeded: not within `timeout_ns`.
  virtual absl::Status Connect(int64_t timeout_ns) = 0;
  virtual void Close() = 0;

  // Whether there is a connection, its other side has not gone as far as this side has heard, and
  // nothing has come that was not received.
  virtual bool IsStillThere() = 0;

  // Gives how many bytes of `head`, and then of `value`, it took; 0: no room now. Does not wait.
  virtual absl::StatusOr<size_t> Send(std::string_view head, std::string_view value) = 0;

  // Gives how many bytes it put to `to`, which has room for `bytes`; 0: none now. Does not wait.
  virtual absl::StatusOr<size_t> Receive(char* to, size_t bytes) = 0;

  // True: it may be so now. False: `deadline_ns` (MonotonicNs) has passed.
  virtual absl::StatusOr<bool> Await(Until until, int64_t deadline_ns) = 0;
};

// The one that leads to `address`.
std::unique_ptr<OwnerCarrier> MakeCarrier(const OwnerAddress& address);

}  // namespace tombolo::kvcache
