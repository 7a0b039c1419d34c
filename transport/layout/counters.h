// Counters: one block per endpoint, written by that endpoint only, read by anybody without asking.
// They only grow, and belong to the index, not to one incarnation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/base/units.h"
#include "transport/layout/shared_word.h"

namespace tombolo {

struct alignas(kCacheLineBytes) EndpointCounters {
  SharedU64 messages_sent;
  SharedU64 bytes_sent;
  SharedU64 messages_received;
  SharedU64 bytes_received;
  SharedU64 doorbells_sent;
  SharedU64 sleeps;
  SharedU64 credit_stalls;        // A claim that found no room.
  SharedU64 validation_failures;  // A peer's words that made no sense; its link was closed.
};

static_assert(offsetof(EndpointCounters, messages_sent) == 0);
static_assert(offsetof(EndpointCounters, bytes_sent) == 8);
static_assert(offsetof(EndpointCounters, messages_received) == 16);
static_assert(offsetof(EndpointCounters, bytes_received) == 24);
static_assert(offsetof(EndpointCounters, doorbells_sent) == 32);
static_assert(offsetof(EndpointCounters, sleeps) == 40);
static_assert(offsetof(EndpointCounters, credit_stalls) == 48);
static_assert(offsetof(EndpointCounters, validation_failures) == 56);
static_assert(sizeof(EndpointCounters) == 64);

}  // namespace tombolo
