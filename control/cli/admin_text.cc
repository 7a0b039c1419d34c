#include "control/cli/admin_text.h"

#include <cstdint>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "control/cli/table.h"
#include "control/words/membership_json.h"
#include "control/words/words.h"

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

constexpr int kSchema = 1;

constexpr LogLevel kLevels[] = {LogLevel::kTrace, LogLevel::kDebug, LogLevel::kInfo,
                                LogLevel::kWarn,  LogLevel::kError, LogLevel::kOff};

Json EventsJson(const EventCounts& events) {
  return {{"joined", events.joined}, {"ready", events.ready},       {"rebooted", events.rebooted},
          {"left", events.left},     {"attached", events.attached}, {"gone", events.gone}};
}

Json SlotsJson(const DaemonStatistics& statistics) {
  Json slots = Json::array();
  for (const auto& [slot, counters] : statistics.slots) {
    slots.push_back({{"slot", slot}, {"counters", counters}});
  }
  return slots;
}

Rows EventRows(const EventCounts& events) {
  return {{"joined, ready, rebooted, left", absl::StrCat(events.joined, ", ", events.ready, ", ",
                                                         events.rebooted, ", ", events.left)},
          {"attached, gone", absl::StrCat(events.attached, ", ", events.gone)}};
}

// What the endpoints of all slots have sent, as they count it.
uint64_t SumOf(const DaemonStatistics& statistics, const std::string& counter) {
  uint64_t sum = 0;
  for (const auto& [slot, counters] : statistics.slots) {
    const auto found = counters.find(counter);
    if (found != counters.end()) sum += found->second;
  }
  return sum;
}

std::string ViolationsText(const FsckSummary& summary) {
  if (summary.violations.empty()) return "clean: every extent is accounted for\n";
  std::string text = "violations:\n";
  for (const FsckViolation& violation : summary.violations) {
    absl::StrAppend(&text, "  ", Printable(violation.kind), ": ", Printable(violation.text), "\n");
  }
  if (summary.violations_left_out != 0) {
    absl::StrAppend(&text, "  and ", summary.violations_left_out, " more\n");
  }
  return text;
}

}  // namespace

const char* Word(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return "trace";
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
    case LogLevel::kOff:
      return "off";
  }
  return "unknown";
}

std::optional<LogLevel> ParseLogLevel(const std::string& word) {
  for (const LogLevel level : kLevels) {
    if (word == Word(level)) return level;
  }
  return std::nullopt;
}

std::vector<std::string> LogLevelWords() {
  std::vector<std::string> words;
  for (const LogLevel level : kLevels) words.emplace_back(Word(level));
  return words;
}

std::string StatisticsText(const DaemonStatistics& statistics, bool decorate) {
  Rows rows = {{"version", Printable(statistics.version)},
               {"started", UtcTime(statistics.started_unix_ns)},
               {"log level", Word(statistics.log_level)},
               {"newcomers", statistics.draining ? "are kept out" : "may join"},
               {"virtual machines", absl::StrCat(statistics.present.virtual_machines)},
               {"endpoints", absl::StrCat(statistics.present.endpoints)},
               {"dead endpoints", absl::StrCat(statistics.dead_endpoints)},
               {"services", absl::StrCat(statistics.services)}};
  const Rows events = EventRows(statistics.events);
  rows.insert(rows.end(), events.begin(), events.end());
  for (const char* counter : {"messages_sent", "bytes_sent"}) {
    rows.push_back({counter, absl::StrCat(SumOf(statistics, counter))});
  }
  rows.push_back({"free of the region", absl::StrCat(statistics.region.free_bytes, " of ",
                                                     statistics.region.size_bytes, " bytes")});
  rows.push_back({"processor time", absl::StrCat(statistics.cpu_seconds, " s")});
  rows.push_back({"resident memory", absl::StrCat(statistics.resident_bytes, " bytes")});
  rows.push_back({"open descriptors",
                  absl::StrCat(statistics.open_descriptors, " of ", statistics.max_descriptors)});
  return FormatTable({"WHAT", "VALUE"}, rows, decorate);
}

std::string StatisticsJson(const DaemonStatistics& statistics) {
  return DumpJson({{"schema", kSchema},
                   {"version", Printable(statistics.version)},
                   {"started_at", UtcTime(statistics.started_unix_ns)},
                   {"log_level", Word(statistics.log_level)},
                   {"draining", statistics.draining},
                   {"region_uuid", Printable(statistics.region.uuid)},
                   {"bytes", statistics.region.size_bytes},
                   {"free_bytes", statistics.region.free_bytes},
                   {"virtual_machines", statistics.present.virtual_machines},
                   {"live_endpoints", statistics.present.endpoints},
                   {"dead_endpoints", statistics.dead_endpoints},
                   {"services", statistics.services},
                   {"events", EventsJson(statistics.events)},
                   {"slots", SlotsJson(statistics)},
                   {"process",
                    {{"cpu_seconds", statistics.cpu_seconds},
                     {"resident_bytes", statistics.resident_bytes},
                     {"open_descriptors", statistics.open_descriptors},
                     {"max_descriptors", statistics.max_descriptors}}}}) +
         "\n";
}

std::string SummaryText(const FsckSummary& summary, bool decorate) {
  const auto row = [&summary](const char* name, uint64_t extents) {
    return std::vector<std::string>{name, absl::StrCat(extents),
                                    absl::StrCat(extents * summary.extent_bytes)};
  };
  return FormatTable({"CLASS", "EXTENTS", "BYTES"},
                     {row("free", summary.free_extents), row("owned", summary.owned_extents),
                      row("quarantine", summary.quarantine_extents),
                      row("service", summary.service_extents), row("lost", summary.lost_extents),
                      row("changing", summary.changing_extents), row("all", summary.extents)},
                     decorate) +
         "\n" + ViolationsText(summary);
}

std::string RemainingText(const Remaining& remaining) {
  return absl::StrCat("newcomers are kept out; still there: ", remaining.virtual_machines,
                      " virtual machines, ", remaining.endpoints, " endpoints\n");
}

}  // namespace tombolo::control
