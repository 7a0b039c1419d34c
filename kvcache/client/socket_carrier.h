// SocketCarrier: carries what is asked of the owner of a cache over a Unix or a TCP socket. Not
// thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kvcache/client/owner_address.h"
#include "kvcache/client/owner_carrier.h"
#include "transport/base/unique_fd.h"

namespace tombolo::kvcache {

class SocketCarrier final : public OwnerCarrier {
 public:
  explicit SocketCarrier(OwnerAddress address) : address_(std::move(address)) {}

  absl::Status Connect(int64_t timeout_ns) override;
  void Close() override { socket_.Reset(); }
  bool IsStillThere() override;
  absl::StatusOr<size_t> Send(std::string_view head, std::string_view value) override;
  absl::StatusOr<size_t> Receive(char* to, size_t bytes) override;
  absl::StatusOr<bool> Await(Until until, int64_t deadline_ns) override;

 private:
  const OwnerAddress address_;
  UniqueFd socket_;
};

}  // namespace tombolo::kvcache
