// Pinger: asks one endpoint for answers and measures how long they take, from publishing the
// question to reading the answer: both links, both wake-ups, and the other side's event loop.
//
// It polls the channel itself and ignores whatever is no answer of its own, so the channel should
// be used for nothing else meanwhile. Not thread-safe.
#pragma once

#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {

class Pinger : private ChannelHandler {
 public:
  // `channel` must outlive the pinger.
  Pinger(Channel& channel, EndpointId peer) : channel_(channel), peer_(peer) {}

  // Asks once. Gives the round trip in nanoseconds. DeadlineExceeded without an answer within
  // `timeout_ns` (an answer that comes later is ignored); Unavailable when the peer is dead;
  // ResourceExhausted when the region has no memory for a link.
  absl::StatusOr<int64_t> Ping(int64_t timeout_ns);

  // Lets time pass until `until_ns` of MonotonicNs(), while the channel goes on being served.
  void Idle(int64_t until_ns);

 private:
  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override;
  void OnDeparted(EndpointId peer) override;

  absl::Status Ask(int64_t deadline_ns);
  absl::Status NoAnswer() const;

  Channel& channel_;
  const EndpointId peer_;
  uint64_t asked_ = 0;     // The number of the latest question, which is its payload.
  uint64_t answered_ = 0;  // The number of the latest answer.
  bool departed_ = false;
};

}  // namespace tombolo::control
