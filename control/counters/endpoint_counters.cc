#include "control/counters/endpoint_counters.h"

#include <atomic>

#include "transport/layout/counters.h"
#include "transport/layout/shared_word.h"

namespace tombolo::control {
namespace {

struct Counter {
  const char* name;
  SharedU64 EndpointCounters::*word;
};

constexpr std::array<Counter, kCounters> kAll = {{
    {"messages_sent", &EndpointCounters::messages_sent},
    {"bytes_sent", &EndpointCounters::bytes_sent},
    {"messages_received", &EndpointCounters::messages_received},
    {"bytes_received", &EndpointCounters::bytes_received},
    {"doorbells_sent", &EndpointCounters::doorbells_sent},
    {"doorbells_suppressed", &EndpointCounters::doorbells_suppressed},
    {"sleeps", &EndpointCounters::sleeps},
    {"credit_stalls", &EndpointCounters::credit_stalls},
    {"loans_lent", &EndpointCounters::loans_lent},
    {"loans_borrowed", &EndpointCounters::loans_borrowed},
    {"loans_refused", &EndpointCounters::loans_refused},
    {"bulk_fallbacks", &EndpointCounters::bulk_fallbacks},
    {"vain_wakeups", &EndpointCounters::vain_wakeups},
    {"storms", &EndpointCounters::storms},
    {"bad_headers", &EndpointCounters::bad_headers},
    {"bad_descriptors", &EndpointCounters::bad_descriptors},
    {"bad_loans", &EndpointCounters::bad_loans},
    {"bad_credits", &EndpointCounters::bad_credits},
    {"bad_frames", &EndpointCounters::bad_frames},
}};
static_assert(kAll.back().word != nullptr, "one is missing");

}  // namespace

const char* CounterName(size_t counter) { return kAll[counter].name; }

uint64_t ValueOf(const CounterValues& values, std::string_view name) {
  size_t counter = 0;
  while (name != CounterName(counter)) ++counter;
  return values[counter];
}

CounterValues ReadCounters(const Region& region, uint32_t index) {
  const EndpointCounters& counters = region.Counters(index);
  CounterValues values;
  for (size_t i = 0; i < kCounters; ++i) {
    // Relaxed: each on its own; nothing is concluded from two of them.
    values[i] = (counters.*kAll[i].word).load(std::memory_order_relaxed);
  }
  return values;
}

}  // namespace tombolo::control
