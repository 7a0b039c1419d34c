#include "transport/call/call_frame_io.h"

#include <algorithm>

#include "transport/region/region_copy.h"

namespace tombolo {

std::optional<CallFrame> CallFrame::Copy(const Region& region, std::span<const std::byte> payload) {
  if (payload.size() > kMaxBytes) return std::nullopt;
  CallFrame frame;
  CopyOut(region.Type(), frame.bytes_.data(), payload);
  frame.size_ = payload.size();
  return frame;
}

void FillCallFrame(const Region& region, std::span<std::byte> payload,
                   std::span<const std::byte> header, std::span<const std::byte> body) {
  std::array<std::byte, sizeof(CallRequestHeader) + kMaxCallBodyBytes> frame;
  std::ranges::copy(header, frame.begin());
  std::ranges::copy(body, frame.begin() + static_cast<ptrdiff_t>(header.size()));
  // In one piece, since a mapping may want whole words.
  CopyIn(region.Type(), payload.data(), std::span(frame).first(header.size() + body.size()));
}

}  // namespace tombolo
