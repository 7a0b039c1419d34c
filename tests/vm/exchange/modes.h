// The ways in which two sides talk. Each returns when the conversation is over; an error says what
// went wrong, in a sentence. The ways that sleep print a line of progress now and then.
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "tests/vm/exchange/conversation.h"
#include "transport/channel/channel.h"

namespace tombolo::exchange {

// `count` messages each way, both sides polling without ever sleeping.
absl::Status Poll(Channel& channel, Conversation& talk, uint64_t count);

// `count` messages each way, one after the other: `first` asks, the other answers. Whoever waits
// sleeps until its doorbell rings, and is sent nothing before it does. No timer for messages: a
// doorbell that does not come is an error.
absl::Status Sleep(Channel& channel, Conversation& talk, uint64_t count, bool first);

// A message every few milliseconds until `stop`, or until the peer departs; sleeps in between.
absl::Status Endless(Channel& channel, Conversation& talk, const std::atomic<bool>& stop);

}  // namespace tombolo::exchange
