#include "control/ping/answer_ping.h"

#include <array>

#include "transport/base/memory_type.h"
#include "transport/channel/tags.h"
#include "transport/layout/link.h"
#include "transport/region/region.h"
#include "transport/region/region_copy.h"

namespace tombolo::control {

bool AnswerPing(Channel& channel, EndpointId source, uint8_t tag,
                std::span<const std::byte> payload) {
  if (tag != ToTag(AgentTag::kPing)) return false;
  Claim claim;
  if (payload.size() > kMaxInlineBytes || !channel.Open(source).ok() ||
      !channel.TryClaim(source, payload.size(), claim)) {
    return true;
  }
  std::array<std::byte, kMaxInlineBytes> copy;
  const MemoryType type = channel.SharedRegion().Type();
  CopyOut(type, copy.data(), payload);
  CopyIn(type, claim.payload.data(), std::span(copy).first(payload.size()));
  channel.Publish(claim, ToTag(AgentTag::kPong), payload.size());
  return true;
}

}  // namespace tombolo::control
