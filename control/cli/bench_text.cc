#include "control/cli/bench_text.h"

#include <stdio.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "control/cli/short_units.h"
#include "control/cli/table.h"

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;

std::string Fixed(double value, int digits) {
  char text[64];
  snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

std::string Microseconds(double ns) { return Fixed(ns / 1e3, 2); }

std::vector<std::string> Row(const SizeFigures& one) {
  return {ShortBytes(one.bytes),
          Microseconds(one.min_ns),
          Microseconds(one.median_ns),
          Microseconds(one.p99_ns),
          Fixed(one.messages_per_second, 0),
          Fixed(one.BytesPerSecond() / 1e6, 1)};
}

}  // namespace

std::string BenchTable(const std::vector<SizeFigures>& figures, bool decorate) {
  std::vector<std::vector<std::string>> rows;
  for (const SizeFigures& one : figures) rows.push_back(Row(one));
  return FormatTable({"SIZE", "MIN us", "MEDIAN us", "P99 us", "MESSAGES/s", "MB/s"}, rows,
                     decorate);
}

std::string BenchJson(uint32_t slot, const std::vector<SizeFigures>& figures) {
  Json json = {{"schema", kSchema}, {"slot", slot}, {"sizes", Json::array()}};
  for (const SizeFigures& one : figures) {
    json["sizes"].push_back({{"bytes", one.bytes},
                             {"round_trips", one.round_trips},
                             {"latency_min_ns", one.min_ns},
                             {"latency_median_ns", one.median_ns},
                             {"latency_p99_ns", one.p99_ns},
                             {"messages_per_second", one.messages_per_second},
                             {"bytes_per_second", one.BytesPerSecond()}});
  }
  return json.dump();
}

}  // namespace tombolo::control
