// RegionCarrier: carries what is asked of the owner of a cache over links of the region: no socket,
// no tunnel and, as long as both sides look for the other's messages, no system call.
//
//   Connect()  attaches to the broker as an endpoint, unless it is one already, and looks for the
//              endpoint that writes the service
//   Close()    leaves the region, unless the owner has departed: what it might still do, or say, to
//              this endpoint must not be taken for the next connection's
//
// The owner may say anything: what it says unasked is kept up to a limit, and what others say is
// dropped. Its death is heard of from the daemon. An endpoint that asks nothing for long looks at
// nothing: the memory of an owner that died in the meantime is freed once it asks again.
//
// Takes part in the region of `broker_socket` with a link of 4 KiB, and chunks for values over
// 1.9 KB. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kvcache/client/owner_carrier.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::kvcache {

class RegionCarrier final : public OwnerCarrier, private ChannelHandler {
 public:
  // `service`: whose writer is the owner.
  RegionCarrier(std::string service, std::string broker_socket)
      : service_(std::move(service)), broker_socket_(std::move(broker_socket)) {}
  ~RegionCarrier() override { LeaveRegion(); }

  // The broker has its own patience, 10 s, if it is stuck.
  absl::Status Connect(int64_t timeout_ns) override;
  void Close() override;
  bool IsStillThere() override;
  absl::StatusOr<size_t> Send(std::string_view head, std::string_view value) override;
  absl::StatusOr<size_t> Receive(char* to, size_t bytes) override;
  absl::StatusOr<bool> Await(Until until, int64_t deadline_ns) override;

 private:
  // What is kept of the owner's unasked; with more it is taken for gone. More than one poll brings.
  static constexpr size_t kMostUnreceivedBytes = 4 * kMiB;
  // As long as a send waits for room it looks for it; then it sleeps.
  static constexpr int64_t kSendSpinNs = 50 * kNsPerUs;

  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override;
  void OnLoan(EndpointId source, uint8_t tag, Loan loan) override;
  void OnDeparted(EndpointId peer) override;

  absl::Status EnterRegion();
  void LeaveRegion();
  bool BrokerIsGone() const;
  absl::StatusOr<EndpointId> FindOwner() const;
  bool TryClaim(size_t bytes, Claim& claim);
  void AwaitRoom(int64_t left_ns);

  const std::string service_;
  const std::string broker_socket_;
  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<Channel> channel_;
  EndpointId owner_;  // Incarnation 0: no connection.
  bool has_departed_ = false;
  std::string why_ended_;  // By the owner, which lives; empty: it is not.
  std::string received_;   // What Receive() has not given yet, from taken_ on.
  size_t taken_ = 0;
  int64_t blocked_at_ns_ = 0;  // Since when there is no room; 0: there was at last.
};

}  // namespace tombolo::kvcache
