// Asks agents what they offer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {

struct AgentOffers {
  EndpointId agent;

  // As it told them: KIND NAME (offer_messages.h). Not checked for what a terminal may see.
  std::vector<std::string> offers;

  // Whether it has told all in time. False as well of an agent that has died, and of one of a
  // version that does not know the question.
  bool complete = false;
};

// Asks all `agents` at once, and waits for the slowest, for `timeout_ns` at most; in their order.
// It polls the channel itself, which should be used for nothing else meanwhile. What comes is
// bounded: kMaxOffers and kMaxOfferBytes of each.
std::vector<AgentOffers> AskOffers(Channel& channel, std::span<const EndpointId> agents,
                                   int64_t timeout_ns);

}  // namespace tombolo::control
