#include "control/cli/kv_rates.h"

#include <stdio.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "control/cli/short_units.h"
#include "control/cli/table.h"
#include "control/memcached/memcached_client.h"
#include "control/words/membership_json.h"
#include "control/words/words.h"

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;
constexpr double kBytesPerMegabyte = 1e6;
constexpr double kPercent = 100;

// "" is what a server does not say.
std::string TextOf(const Statistics& statistics, std::string_view name) {
  const auto found = std::ranges::find(statistics, name, &Statistics::value_type::first);
  return found == statistics.end() ? "" : found->second;
}

uint64_t NumberOf(const Statistics& statistics, std::string_view name) {
  uint64_t number = 0;
  return absl::SimpleAtoi(TextOf(statistics, name), &number) ? number : 0;
}

bool BeganAnew(const Statistics& before, const Statistics& now) {
  return TextOf(before, "pid") != TextOf(now, "pid") ||
         NumberOf(now, "uptime") < NumberOf(before, "uptime");
}

void FillRates(const Statistics& before, const Statistics& now, double seconds, KvRates& rates) {
  if (seconds <= 0 || BeganAnew(before, now)) return;
  for (size_t i = 0; i < kKvCounters.size(); ++i) {
    const uint64_t was = NumberOf(before, kKvCounters[i]);
    const uint64_t is = NumberOf(now, kKvCounters[i]);
    if (is > was) rates.per_second[i] = static_cast<double>(is - was) / seconds;
  }
}

double RateOf(const KvRates& rates, std::string_view counter) {
  size_t i = 0;
  while (counter != kKvCounters[i]) ++i;
  return rates.per_second[i];
}

uint64_t LevelOf(const KvRates& rates, std::string_view level) {
  size_t i = 0;
  while (level != kKvLevels[i]) ++i;
  return rates.levels[i];
}

double ItemsOf(const KvRates& rates) { return RateOf(rates, "cmd_get") + RateOf(rates, "cmd_set"); }

std::string Fixed(double value, int digits) {
  char text[64];
  snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

std::vector<std::string> Row(const KvRates& rates) {
  const std::string ratio = rates.hit_ratio ? Fixed(*rates.hit_ratio * kPercent, 1) : "-";
  return {rates.server,
          Fixed(RateOf(rates, "cmd_get"), 0),
          Fixed(RateOf(rates, "get_hits"), 0),
          Fixed(RateOf(rates, "get_misses"), 0),
          ratio,
          Fixed(RateOf(rates, "cmd_set"), 0),
          Fixed(RateOf(rates, "evictions"), 0),
          Fixed(RateOf(rates, "bytes_read") / kBytesPerMegabyte, 1),
          Fixed(RateOf(rates, "bytes_written") / kBytesPerMegabyte, 1),
          absl::StrCat(LevelOf(rates, "curr_items")),
          ShortBytes(LevelOf(rates, "bytes")),
          ShortBytes(LevelOf(rates, "limit_maxbytes")),
          absl::StrCat(LevelOf(rates, "curr_connections")),
          rates.error.empty() ? "-" : Printable(rates.error)};
}

}  // namespace

std::vector<KvRates> KvRatesBetween(const std::vector<KvAnswer>& before,
                                    const std::vector<KvAnswer>& now, double seconds) {
  std::vector<KvRates> all;
  for (size_t i = 0; i < now.size(); ++i) {
    KvRates& rates = all.emplace_back();
    rates.server = now[i].server;
    if (!now[i].statistics.ok()) {
      rates.error = std::string(now[i].statistics.status().message());
      continue;
    }
    const Statistics& statistics = *now[i].statistics;
    for (size_t level = 0; level < kKvLevels.size(); ++level) {
      rates.levels[level] = NumberOf(statistics, kKvLevels[level]);
    }
    if (before[i].statistics.ok()) FillRates(*before[i].statistics, statistics, seconds, rates);
    const double hits = RateOf(rates, "get_hits");
    const double gets = hits + RateOf(rates, "get_misses");
    if (gets > 0) rates.hit_ratio = hits / gets;
  }
  return all;
}

void Sort(std::vector<KvRates>& rates, KvOrder order) {
  if (order == KvOrder::kGiven) return;
  std::ranges::stable_sort(rates, std::greater<>(), ItemsOf);
}

std::vector<std::string> KvTopLines(const std::vector<KvRates>& rates) {
  const std::vector<std::string> heading = {"SERVER", "GETS/s",    "HITS/s",  "MISSES/s", "HIT %",
                                            "SETS/s", "EVICTED/s", "IN MB/s", "OUT MB/s", "ITEMS",
                                            "BYTES",  "OF",        "CLIENTS", "REMARKS"};
  std::vector<std::vector<std::string>> rows;
  for (const KvRates& one : rates) rows.push_back(Row(one));
  return absl::StrSplit(FormatTable(heading, rows, /*decorate=*/false), '\n', absl::SkipEmpty());
}

std::string KvTopJson(const std::vector<KvRates>& rates, double seconds) {
  Json json = {{"schema", kSchema}, {"seconds", seconds}, {"servers", Json::array()}};
  for (const KvRates& one : rates) {
    Json server = {{"server", one.server}, {"error", nullptr}};
    if (!one.error.empty()) server["error"] = one.error;
    for (size_t i = 0; i < kKvCounters.size(); ++i) {
      server["per_second"][std::string(kKvCounters[i])] = one.per_second[i];
    }
    server["hit_ratio"] = nullptr;
    if (one.hit_ratio) server["hit_ratio"] = *one.hit_ratio;
    for (size_t i = 0; i < kKvLevels.size(); ++i) server[std::string(kKvLevels[i])] = one.levels[i];
    json["servers"].push_back(std::move(server));
  }
  return DumpJson(json);
}

}  // namespace tombolo::control
