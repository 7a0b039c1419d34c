// Tags of the messages that agents and their clients exchange. What a tag means is the business of
// an endpoint's role: MPI ranks have tags of their own and never talk to agents.
#pragma once

#include <cstdint>

namespace tombolo {

enum class AgentTag : uint8_t {
  kPing = 1,        // Any payload that fits inline; answered with a kPong of the same payload.
  kPong = 2,        // The answer.
  kStream = 3,      // A frame of a byte stream (transport/layout/stream_frame.h).
  kOfferAsked = 4,  // Which is your offer of that number (control/offers/offer_messages.h)?
  kOfferTold = 5,   // The answer.
};

constexpr uint8_t ToTag(AgentTag tag) { return static_cast<uint8_t>(tag); }

}  // namespace tombolo
