#include "control/offers/offer_answers.h"

#include <string.h>

#include <algorithm>
#include <array>
#include <utility>

#include "control/offers/offer_messages.h"
#include "transport/channel/tags.h"
#include "transport/layout/link.h"
#include "transport/layout/shared_copy.h"
#include "transport/region/region.h"
#include "transport/region/region_copy.h"

namespace tombolo::control {

static_assert(sizeof(OfferHeader) + kMaxOfferBytes <= kMaxInlineBytes);

OfferAnswers::OfferAnswers(Channel& channel, std::vector<std::string> offers)
    : channel_(channel), offers_(std::move(offers)) {
  if (offers_.size() > kMaxOffers) offers_.resize(kMaxOffers);
  for (std::string& offer : offers_) offer.resize(std::min(offer.size(), kMaxOfferBytes));
}

void OfferAnswers::OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) {
  if (tag != ToTag(AgentTag::kOfferAsked) || payload.size() != sizeof(OfferQuestion)) return;
  const uint64_t index = CopyShared<OfferQuestion>(payload.data()).index;
  const std::string text = index < offers_.size() ? offers_[index] : "";
  const OfferHeader header{static_cast<uint32_t>(index), static_cast<uint32_t>(offers_.size())};
  const size_t bytes = sizeof(header) + text.size();
  Claim claim;
  if (!channel_.Open(source).ok() || !channel_.TryClaim(source, bytes, claim)) return;
  std::array<std::byte, sizeof(header) + kMaxOfferBytes> answer;
  memcpy(answer.data(), &header, sizeof(header));
  memcpy(answer.data() + sizeof(header), text.data(), text.size());
  CopyIn(channel_.SharedRegion().Type(), claim.payload.data(), std::span(answer).first(bytes));
  channel_.Publish(claim, ToTag(AgentTag::kOfferTold), bytes);
}

}  // namespace tombolo::control
