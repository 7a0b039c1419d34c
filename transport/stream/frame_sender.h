// FrameSender: puts frames into the link to one peer. It holds nothing back: what does not fit now
// is the caller's to keep, and the channel wakes this endpoint when there is room again. Not
// thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/layout/stream_frame.h"

namespace tombolo {

class FrameSender {
 public:
  // `channel` must outlive it.
  FrameSender(Channel& channel, EndpointId peer) : channel_(channel), peer_(peer) {}

  // A frame without data. False: no room now.
  bool Send(const StreamFrameHeader& header, std::span<const std::byte> body);

  // A data frame with as much of `data` as one message takes. Gives the bytes sent, 0 when there is
  // no room now.
  size_t SendData(const StreamFrameHeader& header, std::span<const std::byte> data);

  uint64_t FramesSent() const { return frames_sent_; }

 private:
  // Messages that go inline before the region is asked again for a bulk pool that it refused.
  static constexpr uint32_t kFramesBeforeBulkRetry = 1024;

  bool TryClaim(size_t payload_bytes, Claim& claim);
  bool TryClaimData(size_t payload_bytes, Claim& claim);
  void Publish(const Claim& claim, const StreamFrameHeader& header,
               std::span<const std::byte> body);

  Channel& channel_;
  EndpointId peer_;
  uint32_t inline_frames_left_ = 0;
  uint64_t frames_sent_ = 0;
};

}  // namespace tombolo
