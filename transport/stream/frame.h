// Frames as they come from a peer: their shape is checked here, what they do to a stream is not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "transport/layout/stream_frame.h"

namespace tombolo {

struct StreamFrame {
  StreamFrameType type = StreamFrameType::kData;
  bool from_opener = false;
  uint32_t stream_id = 0;
  uint64_t value = 0;
  std::span<const std::byte> body;  // Still in shared memory: read it once.
};

// Nothing when the message is no frame of any type: no honest peer sends such a thing. The header
// is copied before it is checked.
std::optional<StreamFrame> ParseStreamFrame(std::span<const std::byte> message);

// A copy of text that a peer wrote, fit for logs: what is not printable ASCII becomes '?'.
std::string CopyText(std::span<const std::byte> text);

// What a service may be called: 1 to kMaxServiceNameBytes letters, digits and "._-".
bool IsServiceName(std::string_view name);

// What a stream may ask for: a service, or whatever else its acceptor understands, as the address
// that a service has: 1 to kMaxServiceNameBytes printable ASCII characters without spaces.
bool IsStreamTarget(std::string_view text);

}  // namespace tombolo
