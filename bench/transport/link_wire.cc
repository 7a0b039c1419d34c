#include "bench/transport/link_wire.h"

#include <string.h>

#include <algorithm>

#include "bench/transport/require.h"
#include "bench/transport/spin.h"
#include "transport/layout/link.h"

namespace tombolo::bench {
namespace {

constexpr uint8_t kTag = 1;

}  // namespace

void LinkWire::Send(std::span<const std::byte> message) {
  Channel& channel = members_.Own();
  while (!message.empty()) {
    const size_t piece = std::min<size_t>(message.size(), kBulkChunkBytes);
    Claim claim;
    SpinUntil([&] { return channel.TryClaim(members_.Peer(), piece, claim); });
    memcpy(claim.payload.data(), message.data(), piece);
    channel.Publish(claim, kTag, piece);
    message = message.subspan(piece);
  }
}

void LinkWire::Receive(std::span<std::byte> message, uint64_t count) {
  target_ = message;
  received_bytes_ = 0;
  const uint64_t wanted_bytes = count * message.size();
  while (received_bytes_ < wanted_bytes) members_.Own().Poll(*this);
}

void LinkWire::OnMessage(EndpointId, uint8_t, std::span<const std::byte> payload) {
  const size_t at = received_bytes_ % target_.size();
  if (payload.size() > target_.size() - at) Fail("a message came that was not expected");
  memcpy(&target_[at], payload.data(), payload.size());
  received_bytes_ += payload.size();
}

void LinkWire::OnDeparted(EndpointId) { Fail("the peer of a link has departed"); }

}  // namespace tombolo::bench
