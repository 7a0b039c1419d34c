// OfferAnswers: tells whoever asks what an agent offers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "control/channel_loop/channel_loop.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {

class OfferAnswers final : public ChannelUser {
 public:
  // The first kMaxOffers of `offers` are told, and the first kMaxOfferBytes of each. `channel` must
  // outlive it.
  OfferAnswers(Channel& channel, std::vector<std::string> offers);

  // Answers a kOfferAsked, unless the link has no room or the region is full: who asks, asks again.
  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override;
  void OnDeparted(EndpointId) override {}

  // Nothing ever waits.
  bool Flush() override { return false; }

 private:
  Channel& channel_;
  std::vector<std::string> offers_;
};

}  // namespace tombolo::control
