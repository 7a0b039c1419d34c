#include "transport/stream/frame.h"

#include <algorithm>

#include "transport/layout/shared_copy.h"

namespace tombolo {
namespace {

constexpr bool IsPrintable(char c) { return c >= ' ' && c <= '~'; }

constexpr bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

bool HasRightShape(const StreamFrame& frame) {
  const size_t bytes = frame.body.size();
  switch (frame.type) {
    case StreamFrameType::kOpen:
      return frame.from_opener && bytes >= 1 && bytes <= kMaxServiceNameBytes;
    case StreamFrameType::kAccept:
      return !frame.from_opener && bytes == 0;
    case StreamFrameType::kData:
      return bytes >= 1;
    case StreamFrameType::kFin:
    case StreamFrameType::kCredit:
      return bytes == 0;
    case StreamFrameType::kReset:
      return bytes <= kMaxReasonBytes;
  }
  return false;
}

}  // namespace

std::optional<StreamFrame> ParseStreamFrame(std::span<const std::byte> message) {
  if (message.size() < sizeof(StreamFrameHeader)) return std::nullopt;
  const auto header = CopyShared<StreamFrameHeader>(message.data());
  if (header.from_opener > 1 || header.reserved != 0) return std::nullopt;
  const StreamFrame frame{.type = static_cast<StreamFrameType>(header.type),
                          .from_opener = header.from_opener == 1,
                          .stream_id = header.stream_id,
                          .value = header.value,
                          .body = message.subspan(sizeof(header))};
  if (!HasRightShape(frame)) return std::nullopt;
  return frame;
}

std::string CopyText(std::span<const std::byte> text) {
  std::string copy(reinterpret_cast<const char*>(text.data()), text.size());
  std::ranges::replace_if(
      copy, [](char c) { return !IsPrintable(c); }, '?');
  return copy;
}

bool IsServiceName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxServiceNameBytes &&
         std::ranges::all_of(name, IsNameCharacter);
}

bool IsStreamTarget(std::string_view text) {
  return !text.empty() && text.size() <= kMaxServiceNameBytes &&
         std::ranges::all_of(text, [](char c) { return IsPrintable(c) && c != ' '; });
}

}  // namespace tombolo
