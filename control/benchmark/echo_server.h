// EchoServer: the answering side of `tombolo bench` (messages.h). It reads every byte that comes,
// into memory of its own, as a program that works with it would, and answers from there.
//
// Any number of clients may ask at the same time; they then share what they measure. Peers are not
// trusted: a client has at most one answer due, of at most kLargestMessageBytes, and one that does
// not take it within kPatienceNs loses it. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {

class EchoServer final : private ChannelHandler {
 public:
  static constexpr int64_t kPatienceNs = 5 * kNsPerSecond;

  // `channel` must outlive it.
  explicit EchoServer(Channel& channel);

  // Receives and answers what there is; sleeps for at most `limit_ns` when nothing is going on.
  // False: nothing was.
  bool Turn(int64_t limit_ns);

 private:
  struct Visitor {
    EndpointId id;
    uint64_t received_bytes = 0;  // Since the last answer.
    size_t due_bytes = 0;         // Of the answer, still to be sent.
    int64_t due_since_ns = 0;
  };

  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override;
  void OnDeparted(EndpointId peer) override;

  void Answer(Visitor& visitor, size_t bytes);
  bool SendDue();
  bool SendPiece(Visitor& visitor);

  Channel& channel_;
  std::vector<std::byte> bytes_;                    // What came last, and what is answered.
  std::unordered_map<uint32_t, Visitor> visitors_;  // By endpoint index.
};

}  // namespace tombolo::control
