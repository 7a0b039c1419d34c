#include "transport/stream/frame_sender.h"

#include <algorithm>

#include "transport/channel/tags.h"
#include "transport/layout/link.h"
#include "transport/region/region_copy.h"

namespace tombolo {

bool FrameSender::TryClaim(size_t payload_bytes, Claim& claim) {
  // Opens the link at the first frame; a region that is full now may have room later.
  return channel_.Open(peer_).ok() && channel_.TryClaim(peer_, payload_bytes, claim);
}

bool FrameSender::TryClaimData(size_t payload_bytes, Claim& claim) {
  if (payload_bytes <= kMaxInlineBytes) return TryClaim(payload_bytes, claim);
  if (inline_frames_left_ == 0) {
    const size_t wanted = std::min<size_t>(payload_bytes, kBulkChunkBytes);
    if (TryClaim(wanted, claim)) return true;
    // With a bulk pool it is credits that are missing, and they come back. Without one the region
    // had no memory to spare, which may stay so: smaller pieces go on.
    if (channel_.MaxPayloadBytes(peer_) >= wanted) return false;
    inline_frames_left_ = kFramesBeforeBulkRetry;
  }
  --inline_frames_left_;
  return TryClaim(kMaxInlineBytes, claim);
}

void FrameSender::Publish(const Claim& claim, const StreamFrameHeader& header,
                          std::span<const std::byte> body) {
  const MemoryType type = channel_.SharedRegion().Type();
  CopyIn(type, claim.payload.data(), std::as_bytes(std::span(&header, 1)));
  CopyIn(type, claim.payload.data() + sizeof(header), body);
  channel_.Publish(claim, ToTag(AgentTag::kStream), sizeof(header) + body.size());
  ++frames_sent_;
}

bool FrameSender::Send(const StreamFrameHeader& header, std::span<const std::byte> body) {
  Claim claim;
  if (!TryClaim(sizeof(header) + body.size(), claim)) return false;
  Publish(claim, header, body);
  return true;
}

size_t FrameSender::SendData(const StreamFrameHeader& header, std::span<const std::byte> data) {
  Claim claim;
  if (!TryClaimData(sizeof(header) + data.size(), claim)) return 0;
  const size_t bytes = std::min(data.size(), claim.payload.size() - sizeof(header));
  Publish(claim, header, data.first(bytes));
  return bytes;
}

}  // namespace tombolo
