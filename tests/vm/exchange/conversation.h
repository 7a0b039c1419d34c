// Conversation: numbered messages to one peer, and the check of those that come from it.
//
// The first thing that is wrong is kept as a sentence in Fault(); what comes later is not looked
// at. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "tests/vm/exchange/pattern.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/endpoint/membership_view.h"
#include "transport/region/region.h"

namespace tombolo::exchange {

class Conversation final : public ChannelHandler {
 public:
  // The channel must be open to `peer`, and outlive this.
  Conversation(const Region& region, Channel& channel, EndpointId peer);

  // Sends the next message. False: there is no room now.
  bool TrySend();

  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override;
  void OnDeparted(EndpointId peer) override { departed_ = departed_ || peer == peer_; }

  uint64_t Sent() const { return sent_; }
  uint64_t Received() const { return received_; }
  bool Departed() const { return departed_; }

  // Whether the peer has gone to sleep since this last said so, as it counts itself.
  bool PeerFellAsleep();

  // What the member table says: the next poll will tell.
  bool PeerLives() const { return IsLive(region_, peer_); }

  // Empty: all messages so far were as they should be.
  const std::string& Fault() const { return fault_; }

  // The longest time between two messages from the peer.
  int64_t LongestGapNs() const { return longest_gap_ns_; }

 private:
  uint64_t PeerSleeps() const;
  std::string Judge(EndpointId source, uint8_t tag, std::span<const std::byte> payload) const;

  const Region& region_;
  Channel& channel_;
  const EndpointId peer_;
  uint64_t peer_sleeps_seen_;
  uint64_t sent_ = 0;
  uint64_t received_ = 0;
  // Of a message on its way in or out: in Device memory only region_copy.h may read and write. One
  // byte more than the largest has, so that one that is too large is seen to be.
  std::array<std::byte, kLargestPayloadBytes + 1> bytes_{};
  int64_t last_received_ns_ = 0;
  int64_t longest_gap_ns_ = 0;
  bool departed_ = false;
  std::string fault_;
};

}  // namespace tombolo::exchange
