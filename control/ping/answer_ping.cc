#include "control/ping/answer_ping.h"

#include <algorithm>

#include "transport/channel/tags.h"
#include "transport/layout/link.h"

namespace tombolo::control {

bool AnswerPing(Channel& channel, EndpointId source, uint8_t tag,
                std::span<const std::byte> payload) {
  if (tag != ToTag(AgentTag::kPing)) return false;
  Claim claim;
  if (payload.size() > kMaxInlineBytes || !channel.Open(source).ok() ||
      !channel.TryClaim(source, payload.size(), claim)) {
    return true;
  }
  std::copy(payload.begin(), payload.end(), claim.payload.begin());
  channel.Publish(claim, ToTag(AgentTag::kPong), payload.size());
  return true;
}

}  // namespace tombolo::control
