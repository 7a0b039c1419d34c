// Frames of calls between private memory and a channel: written in one piece, and copied out once
// before anything of them is looked at.
#pragma once

#include <string.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/layout/call_frame.h"
#include "transport/region/region.h"

namespace tombolo {

// A frame as it came, in memory that nobody else can change.
class CallFrame {
 public:
  // Nothing: more than any frame has.
  static std::optional<CallFrame> Copy(const Region& region, std::span<const std::byte> payload);

  // The header and the body behind it. False: the frame is shorter than that, or longer than a body
  // may be.
  template <typename Header>
  bool Split(Header& header, std::span<const std::byte>& body) const {
    if (size_ < sizeof(Header) || size_ - sizeof(Header) > kMaxCallBodyBytes) return false;
    memcpy(&header, bytes_.data(), sizeof(Header));
    body = std::span(bytes_).subspan(sizeof(Header), size_ - sizeof(Header));
    return true;
  }

 private:
  static constexpr size_t kMaxBytes = sizeof(CallRequestHeader) + kMaxCallBodyBytes;

  std::array<std::byte, kMaxBytes> bytes_;
  size_t size_ = 0;
};

// Writes header and body into a claim of their size.
void FillCallFrame(const Region& region, std::span<std::byte> payload,
                   std::span<const std::byte> header, std::span<const std::byte> body);

// Sends a frame to an open peer. False: no room now.
template <typename Header>
bool TrySendCallFrame(Channel& channel, EndpointId peer, CallTag tag, const Header& header,
                      std::span<const std::byte> body = {}) {
  Claim claim;
  const size_t size = sizeof(Header) + body.size();
  if (!channel.TryClaim(peer, size, claim)) return false;
  FillCallFrame(channel.SharedRegion(), claim.payload, std::as_bytes(std::span(&header, 1)), body);
  channel.Publish(claim, ToTag(tag), size);
  return true;
}

}  // namespace tombolo
