// Counters: one block per endpoint, written by that endpoint only, read by anybody without asking.
// They only grow, and belong to the index, not to one incarnation.
//
//   line   what
//      0   traffic
//      1   what is rarer: loans, fall-backs, sleep that did not go as it should
//      2   peers whose words made no sense, by the check that failed; the peer was dropped
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
  SharedU64 doorbells_suppressed;  // The receiver had parked the link, but was awake.
  SharedU64 sleeps;
  SharedU64 credit_stalls;  // A claim that found no room.

  alignas(kCacheLineBytes) SharedU64 loans_lent;
  SharedU64 loans_borrowed;
  SharedU64 loans_refused;   // Too much is lent to that peer already: the sender copies.
  SharedU64 bulk_fallbacks;  // A claim that found no chunk, nor memory for one.
  SharedU64 vain_wakeups;    // A doorbell rang, and nothing had come.
  SharedU64 storms;  // Doorbells that rang in vain so often that they were not heard for a while.
  uint64_t reserved0[2];

  alignas(kCacheLineBytes) SharedU64 bad_headers;  // Of a cell.
  SharedU64 bad_descriptors;                       // Of a bulk message.
  SharedU64 bad_loans;
  SharedU64 bad_credits;
  SharedU64 bad_frames;  // Of a byte stream.
  uint64_t reserved1[3];
};

static_assert(offsetof(EndpointCounters, messages_sent) == 0);
static_assert(offsetof(EndpointCounters, bytes_sent) == 8);
static_assert(offsetof(EndpointCounters, messages_received) == 16);
static_assert(offsetof(EndpointCounters, bytes_received) == 24);
static_assert(offsetof(EndpointCounters, doorbells_sent) == 32);
static_assert(offsetof(EndpointCounters, doorbells_suppressed) == 40);
static_assert(offsetof(EndpointCounters, sleeps) == 48);
static_assert(offsetof(EndpointCounters, credit_stalls) == 56);
static_assert(offsetof(EndpointCounters, loans_lent) == 64);
static_assert(offsetof(EndpointCounters, loans_borrowed) == 72);
static_assert(offsetof(EndpointCounters, loans_refused) == 80);
static_assert(offsetof(EndpointCounters, bulk_fallbacks) == 88);
static_assert(offsetof(EndpointCounters, vain_wakeups) == 96);
static_assert(offsetof(EndpointCounters, storms) == 104);
static_assert(offsetof(EndpointCounters, bad_headers) == 128);
static_assert(offsetof(EndpointCounters, bad_descriptors) == 136);
static_assert(offsetof(EndpointCounters, bad_loans) == 144);
static_assert(offsetof(EndpointCounters, bad_credits) == 152);
static_assert(offsetof(EndpointCounters, bad_frames) == 160);
static_assert(sizeof(EndpointCounters) == 192);

}  // namespace tombolo
