// The answering half of a ping: what every agent does with messages tagged kPing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {

// True when the message was a ping; then it is dealt with: answered with a kPong of the same
// payload, or dropped when it does not fit inline, when the link has no room, or when the
// region is full (who pings asks again). To be called from ChannelHandler::OnMessage().
bool AnswerPing(Channel& channel, EndpointId source, uint8_t tag,
                std::span<const std::byte> payload);

}  // namespace tombolo::control
