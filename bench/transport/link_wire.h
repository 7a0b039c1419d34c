// Two links, one in each direction: what Tombolo itself does, polled on both sides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "bench/transport/two_members.h"
#include "bench/transport/wire.h"
#include "transport/channel/channel.h"

namespace tombolo::bench {

class LinkWire final : public Wire, private ChannelHandler {
 public:
  std::string Name() const override { return "link"; }
  int64_t TypicalNs() const override { return 100; }
  void Send(std::span<const std::byte> message) override;
  void Receive(std::span<std::byte> message, uint64_t count) override;

 private:
  void OpenSide(Side side) override { members_.Open(side); }

  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override;
  void OnDeparted(EndpointId peer) override;

  TwoMembers members_;
  std::span<std::byte> target_;  // Where the message that is being received goes.
  uint64_t received_bytes_ = 0;  // Since Receive() began.
};

}  // namespace tombolo::bench
