#include "control/cli/top_rates.h"

#include <stdio.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "control/cli/table.h"
#include "control/words/words.h"

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;
constexpr double kBytesPerMegabyte = 1e6;

struct Column {
  const char* heading;
  std::string_view counter;
  double divisor;
  int digits;
};

constexpr Column kColumns[] = {
    {"SENT/s", "messages_sent", 1, 0},         {"OUT MB/s", "bytes_sent", kBytesPerMegabyte, 1},
    {"RECEIVED/s", "messages_received", 1, 0}, {"IN MB/s", "bytes_received", kBytesPerMegabyte, 1},
    {"RUNG/s", "doorbells_sent", 1, 0},        {"SLEEPS/s", "sleeps", 1, 0},
    {"STALLS/s", "credit_stalls", 1, 0},
};

double RateOf(const EndpointRates& rates, std::string_view counter) {
  size_t i = 0;
  while (counter != CounterName(i)) ++i;
  return rates.per_second[i];
}

double BytesOf(const EndpointRates& rates) {
  return RateOf(rates, "bytes_sent") + RateOf(rates, "bytes_received");
}

std::string Fixed(double value, int digits) {
  char text[64];
  snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

std::vector<std::string> Row(const EndpointRates& rates) {
  std::vector<std::string> row = {absl::StrCat(rates.info.slot), absl::StrCat(rates.info.id.index),
                                  absl::StrCat(rates.info.pid), Printable(rates.info.name)};
  for (const Column& column : kColumns) {
    row.push_back(Fixed(RateOf(rates, column.counter) / column.divisor, column.digits));
  }
  row.push_back(rates.remarks);
  return row;
}

}  // namespace

RegionRates RatesBetween(const RegionStat& before, const RegionStat& now, double seconds) {
  RegionRates rates{.region_uuid = now.region_uuid,
                    .membership_epoch = now.membership_epoch,
                    .seconds = seconds,
                    .endpoints = {}};
  for (const EndpointStat& stat : now.endpoints) {
    EndpointRates& one = rates.endpoints.emplace_back();
    one.info = stat.info;
    one.remarks = Remarks(stat);
    const auto old = std::ranges::find(before.endpoints, stat.info.id.index,
                                       [](const EndpointStat& s) { return s.info.id.index; });
    if (old == before.endpoints.end() || seconds <= 0) continue;
    for (size_t i = 0; i < kCounters; ++i) {
      if (stat.counters[i] <= old->counters[i]) continue;
      one.per_second[i] = static_cast<double>(stat.counters[i] - old->counters[i]) / seconds;
    }
  }
  return rates;
}

void Sort(RegionRates& rates, TopOrder order) {
  std::ranges::stable_sort(
      rates.endpoints, [order](const EndpointRates& a, const EndpointRates& b) {
        if (order == TopOrder::kTraffic) return BytesOf(a) > BytesOf(b);
        if (order == TopOrder::kName) return a.info.name < b.info.name;
        return std::pair(a.info.slot, a.info.id.index) < std::pair(b.info.slot, b.info.id.index);
      });
}

std::vector<std::string> TopLines(const RegionRates& rates) {
  std::vector<std::string> heading = {"SLOT", "ENDPOINT", "PID", "NAME"};
  for (const Column& column : kColumns) heading.emplace_back(column.heading);
  heading.emplace_back("REMARKS");
  std::vector<std::vector<std::string>> rows;
  for (const EndpointRates& one : rates.endpoints) rows.push_back(Row(one));
  return absl::StrSplit(FormatTable(heading, rows, /*decorate=*/false), '\n', absl::SkipEmpty());
}

std::string TopJson(const RegionRates& rates) {
  Json json = {{"schema", kSchema},
               {"region_uuid", rates.region_uuid},
               {"membership_epoch", rates.membership_epoch},
               {"seconds", rates.seconds},
               {"endpoints", Json::array()}};
  for (const EndpointRates& one : rates.endpoints) {
    Json endpoint = {{"slot", one.info.slot},
                     {"index", one.info.id.index},
                     {"incarnation", one.info.id.incarnation},
                     {"pid", one.info.pid},
                     {"name", Printable(one.info.name)}};
    for (size_t i = 0; i < kCounters; ++i)
      endpoint["per_second"][CounterName(i)] = one.per_second[i];
    json["endpoints"].push_back(std::move(endpoint));
  }
  return json.dump();
}

}  // namespace tombolo::control
