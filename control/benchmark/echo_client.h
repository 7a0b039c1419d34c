// EchoClient: the measuring side of `tombolo bench` (messages.h): sends messages to an EchoServer
// and tells how long it took until they were answered. Both sides write each byte from memory of
// their own and read each byte into it.
//
// It polls the channel itself, so the channel should be used for nothing else meanwhile. Errors of
// all functions: Unavailable when the server departed, DeadlineExceeded when it is silent for
// kPatienceNs, DataLoss when it answers with other than was asked for, ResourceExhausted when the
// region has no memory for a link. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/benchmark/messages.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {

class EchoClient final : private ChannelHandler {
 public:
  static constexpr int64_t kPatienceNs = 5 * kNsPerSecond;

  // `channel` must outlive it.
  EchoClient(Channel& channel, EndpointId server);

  // A message of `bytes` there and back, in nanoseconds. 1 to kLargestMessageBytes.
  absl::StatusOr<int64_t> RoundTrip(size_t bytes);

  // `count` messages of `bytes` there, in nanoseconds until the server said that it has read all.
  absl::StatusOr<int64_t> Batch(size_t bytes, uint64_t count);

 private:
  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override;
  void OnDeparted(EndpointId peer) override;

  absl::Status Send(size_t bytes, BenchmarkTag last);
  absl::Status AwaitAnswer(size_t bytes);
  absl::Status NoAnswer() const;

  Channel& channel_;
  const EndpointId server_;
  std::vector<std::byte> sent_;
  std::vector<std::byte> received_;
  uint64_t received_bytes_ = 0;  // Since the last question.
  bool answered_ = false;
  bool departed_ = false;
};

}  // namespace tombolo::control
