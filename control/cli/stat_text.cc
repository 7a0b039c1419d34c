#include "control/cli/stat_text.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "control/cli/table.h"
#include "control/words/words.h"
#include "transport/region/uuid_text.h"

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;

// A column of the table: one counter.
struct Column {
  const char* heading;
  std::string_view counter;
};

constexpr Column kColumns[] = {
    {"SENT", "messages_sent"},
    {"BYTES", "bytes_sent"},
    {"RECEIVED", "messages_received"},
    {"BYTES", "bytes_received"},
    {"RUNG", "doorbells_sent"},
    {"SUPPRESSED", "doorbells_suppressed"},
    {"SLEEPS", "sleeps"},
    {"STALLS", "credit_stalls"},
    {"LENT", "loans_lent"},
    {"BORROWED", "loans_borrowed"},
};

// Counters that are told only when they are not 0.
constexpr std::string_view kRemarks[] = {
    "loans_refused",   "bulk_fallbacks", "vain_wakeups", "storms",     "bad_headers",
    "bad_descriptors", "bad_loans",      "bad_credits",  "bad_frames",
};
static_assert(std::size(kColumns) + std::size(kRemarks) == kCounters);

std::vector<std::string> Row(const EndpointStat& stat) {
  std::vector<std::string> row = {absl::StrCat(stat.info.slot), absl::StrCat(stat.info.id.index),
                                  Printable(stat.info.name)};
  for (const Column& column : kColumns)
    row.push_back(absl::StrCat(ValueOf(stat.counters, column.counter)));
  row.push_back(Remarks(stat));
  return row;
}

}  // namespace

std::string Remarks(const EndpointStat& stat) {
  std::string text;
  for (std::string_view name : kRemarks) {
    const uint64_t value = ValueOf(stat.counters, name);
    if (value == 0) continue;
    absl::StrAppend(&text, text.empty() ? "" : ", ", std::string(name), " ", value);
  }
  return text.empty() ? "-" : text;
}

RegionStat ReadStat(const Region& region) {
  RegionStat stat{.region_uuid = UuidText(region.Uuid()),
                  // Acquire: the member table is at least as new.
                  .membership_epoch = region.MembershipEpoch().load(std::memory_order_acquire),
                  .endpoints = {}};
  for (tombolo::EndpointInfo& info : LiveEndpoints(region)) {
    const uint32_t index = info.id.index;
    stat.endpoints.push_back({std::move(info), ReadCounters(region, index)});
  }
  return stat;
}

RegionStat Since(const RegionStat& before, RegionStat now) {
  for (EndpointStat& stat : now.endpoints) {
    const auto old = std::ranges::find(before.endpoints, stat.info.id,
                                       [](const EndpointStat& s) { return s.info.id; });
    if (old == before.endpoints.end()) continue;
    for (size_t i = 0; i < kCounters; ++i) stat.counters[i] -= old->counters[i];
  }
  return now;
}

std::string StatJson(const RegionStat& stat) {
  Json json = {{"schema", kSchema},
               {"region_uuid", stat.region_uuid},
               {"membership_epoch", stat.membership_epoch},
               {"endpoints", Json::array()}};
  for (const EndpointStat& one : stat.endpoints) {
    Json endpoint = {{"slot", one.info.slot},
                     {"index", one.info.id.index},
                     {"incarnation", one.info.id.incarnation},
                     {"pid", one.info.pid},
                     {"name", Printable(one.info.name)}};
    for (size_t i = 0; i < kCounters; ++i) endpoint["counters"][CounterName(i)] = one.counters[i];
    json["endpoints"].push_back(std::move(endpoint));
  }
  return json.dump();
}

std::string StatTable(const RegionStat& stat, bool decorate) {
  std::vector<std::string> heading = {"SLOT", "ENDPOINT", "NAME"};
  for (const Column& column : kColumns) heading.emplace_back(column.heading);
  heading.emplace_back("REMARKS");
  std::vector<std::vector<std::string>> rows;
  for (const EndpointStat& one : stat.endpoints) rows.push_back(Row(one));
  return FormatTable(heading, rows, decorate);
}

}  // namespace tombolo::control
