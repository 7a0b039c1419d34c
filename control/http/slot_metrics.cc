#include "control/http/slot_metrics.h"

#include <cstdint>
#include <iterator>
#include <string>

#include "control/counters/endpoint_counters.h"

namespace tombolo::control {
namespace {

struct SlotMetric {
  const char* counter;
  const char* metric;
  const char* help;
};

constexpr SlotMetric kMetrics[] = {
    {"messages_sent", "tombolo_messages_sent_total", "Messages that endpoints of the slot sent."},
    {"bytes_sent", "tombolo_sent_bytes_total", "Payload of those messages."},
    {"messages_received", "tombolo_messages_received_total", "Messages that they received."},
    {"bytes_received", "tombolo_received_bytes_total", "Payload of those messages."},
    {"doorbells_sent", "tombolo_doorbells_sent_total", "Doorbells that they rang."},
    {"doorbells_suppressed", "tombolo_doorbells_suppressed_total",
     "Doorbells that were not needed, because the receiver was awake."},
    {"sleeps", "tombolo_sleeps_total", "How often they fell asleep."},
    {"credit_stalls", "tombolo_credit_stalls_total", "Messages that found no room at first."},
    {"loans_lent", "tombolo_loans_lent_total", "Loans that they gave."},
    {"loans_borrowed", "tombolo_loans_borrowed_total", "Loans that they took."},
    {"loans_refused", "tombolo_loans_refused_total",
     "Loans not given, because too much was lent to that peer: copied instead."},
    {"bulk_fallbacks", "tombolo_bulk_fallbacks_total",
     "Messages that found no chunk, nor memory for one."},
    {"vain_wakeups", "tombolo_vain_wakeups_total", "Doorbells that woke them for nothing."},
    {"storms", "tombolo_doorbell_storms_total",
     "How often doorbells rang in vain so often that they were not heard for a while."},
};

struct Check {
  const char* counter;
  const char* check;
};

constexpr Check kChecks[] = {
    {"bad_headers", "header"}, {"bad_descriptors", "descriptor"}, {"bad_loans", "loan"},
    {"bad_credits", "credit"}, {"bad_frames", "frame"},
};
static_assert(std::size(kMetrics) + std::size(kChecks) == kCounters);

}  // namespace

void AddSlotMetrics(const Totals& totals, MetricFamilies& families) {
  for (const SlotMetric& metric : kMetrics) {
    families.BeginCounter(metric.metric, metric.help);
    for (const auto& [slot, values] : totals.slots) {
      families.Add(static_cast<double>(ValueOf(values, metric.counter)),
                   {{"slot", std::to_string(slot)}});
    }
  }
  families.BeginCounter("tombolo_bad_peer_data_total",
                        "Peers that they dropped because their words made no sense, by what was "
                        "wrong.");
  for (const auto& [slot, values] : totals.slots) {
    for (const Check& check : kChecks) {
      families.Add(static_cast<double>(ValueOf(values, check.counter)),
                   {{"slot", std::to_string(slot)}, {"check", check.check}});
    }
  }
}

}  // namespace tombolo::control
