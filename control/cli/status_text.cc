#include "control/cli/status_text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "control/cli/daemon_status.h"
#include "control/cli/short_units.h"
#include "control/cli/stat_text.h"
#include "control/cli/table.h"
#include "control/counters/endpoint_counters.h"
#include "control/registry/membership.h"
#include "control/registry/region_info.h"
#include "control/words/words.h"

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;

size_t CountOf(const StatusReport& report, PeerState state) {
  return static_cast<size_t>(std::ranges::count(report.peers, state, &PeerStatus::state));
}

size_t EndpointsOf(const StatusReport& report) {
  size_t count = 0;
  for (const PeerStatus& peer : report.peers) count += peer.endpoints.size();
  return count;
}

bool IsOfThisRegion(const StatusReport& report) {
  return !report.daemon.region.ok() || report.daemon.region->uuid == report.region.uuid;
}

// Names with how often each occurs, as they stand.
std::string NamesText(const std::vector<std::string>& names) {
  std::vector<EndpointInfo> endpoints;
  for (const std::string& name : names) {
    EndpointInfo& one = endpoints.emplace_back();
    one.name = Printable(name);
  }
  return NamesOf(endpoints);
}

// JSON.

Json RegionJson(const RegionInfo& region) {
  return {{"uuid", region.uuid},
          {"bytes", region.size_bytes},
          {"slots", region.slots},
          {"vectors", region.vectors},
          {"endpoints", region.endpoints},
          {"layout_version", region.layout_version},
          {"membership_epoch", region.membership_epoch},
          {"free_bytes", region.free_bytes}};
}

Json DaemonJson(const StatusReport& report) {
  const DaemonStatus& daemon = report.daemon;
  Json json = {{"state", Word(daemon.state)},
               {"of_this_region", IsOfThisRegion(report)},
               {"program", nullptr},
               {"pid", nullptr},
               {"uptime_seconds", nullptr}};
  if (daemon.pid != 0) json["pid"] = daemon.pid;
  if (!daemon.program.empty()) json["program"] = daemon.program;
  if (daemon.uptime_s) json["uptime_seconds"] = *daemon.uptime_s;
  return json;
}

Json PeerJson(const PeerStatus& peer) {
  return {{"slot", peer.slot},
          {"kind", Word(peer.kind)},
          {"state", Word(peer.state)},
          {"incarnation", peer.incarnation},
          {"joined_at", UtcTime(peer.joined_unix_ns)},
          {"endpoints", peer.endpoints}};
}

Json MemoryJson(const std::optional<MemoryStatus>& memory) {
  if (!memory) return nullptr;
  return {{"bytes", memory->all},        {"free", memory->free},
          {"owned", memory->owned},      {"quarantine", memory->quarantine},
          {"service", memory->services}, {"lost", memory->lost},
          {"changing", memory->changing}};
}

Json BusyJson(const EndpointStat& stat) {
  return {{"slot", stat.info.slot},
          {"index", stat.info.id.index},
          {"name", Printable(stat.info.name)},
          {"messages_sent", ValueOf(stat.counters, "messages_sent")},
          {"bytes_sent", ValueOf(stat.counters, "bytes_sent")},
          {"messages_received", ValueOf(stat.counters, "messages_received")},
          {"bytes_received", ValueOf(stat.counters, "bytes_received")}};
}

Json UnservedJson(const UnservedRegion& region) {
  return {{"name", Printable(region.name)}, {"problem", Printable(region.problem)}};
}

// Text.

std::string RegionLine(const StatusReport& report) {
  const RegionInfo& region = report.region;
  return absl::StrCat(region.uuid, ", ", ShortBytes(region.size_bytes), ", ", region.slots,
                      " slots with ", region.vectors, " vectors, epoch ", region.membership_epoch,
                      report.where.empty() ? ", as the daemon tells it"
                                           : absl::StrCat(", ", Printable(report.where)));
}

std::string DaemonLine(const StatusReport& report) {
  const DaemonStatus& daemon = report.daemon;
  if (daemon.state == DaemonState::kAbsent) {
    return Printable(absl::StrCat("absent: ", std::string(daemon.region.status().message())));
  }
  std::string text =
      absl::StrCat(daemon.program.empty() ? "it" : Printable(daemon.program), " ", daemon.pid, " ",
                   daemon.state == DaemonState::kAnswers ? "answers" : "does not answer");
  if (daemon.uptime_s) absl::StrAppend(&text, ", up ", ShortTime(*daemon.uptime_s));
  if (!IsOfThisRegion(report)) absl::StrAppend(&text, ", of another region");
  return text;
}

// A line each, if there are any.
std::string UnservedLines(const StatusReport& report) {
  std::string lines;
  for (const UnservedRegion& region : report.unserved) {
    absl::StrAppend(&lines, "\nnot served ", Printable(region.name), ": ",
                    Printable(region.problem));
  }
  return lines;
}

std::string PeersLine(const StatusReport& report) {
  return absl::StrCat(report.peers.size(), " of ", report.region.slots, ": ",
                      CountOf(report, PeerState::kReady), " ready, ",
                      CountOf(report, PeerState::kConnected), " connected without a broker");
}

std::string MemoryLine(const StatusReport& report) {
  if (!report.memory) return ShortBytes(report.region.free_bytes) + " free";
  const MemoryStatus& memory = *report.memory;
  std::string text =
      absl::StrCat(ShortBytes(memory.free), " of ", ShortBytes(memory.all), " free, ",
                   ShortBytes(memory.owned), " owned, ", ShortBytes(memory.services),
                   " of services, ", ShortBytes(memory.quarantine), " in quarantine");
  if (memory.lost != 0)
    absl::StrAppend(&text, ", ", ShortBytes(memory.lost), " lost (tombolo fsck)");
  return text;
}

std::string PeersTable(const StatusReport& report, bool decorate) {
  std::vector<std::vector<std::string>> rows;
  for (const PeerStatus& peer : report.peers) {
    rows.push_back({absl::StrCat(peer.slot), Word(peer.kind), Word(peer.state),
                    UtcTime(peer.joined_unix_ns), NamesText(peer.endpoints)});
  }
  return FormatTable({"SLOT", "KIND", "STATE", "JOINED", "ENDPOINTS"}, rows, decorate);
}

std::string BusiestTable(const StatusReport& report, bool decorate) {
  if (report.busiest.empty()) return "";
  std::vector<std::vector<std::string>> rows;
  for (const EndpointStat& stat : report.busiest) {
    rows.push_back({absl::StrCat(stat.info.slot), absl::StrCat(stat.info.id.index),
                    Printable(stat.info.name),
                    absl::StrCat(ValueOf(stat.counters, "messages_sent")),
                    ShortBytes(ValueOf(stat.counters, "bytes_sent")),
                    absl::StrCat(ValueOf(stat.counters, "messages_received")),
                    ShortBytes(ValueOf(stat.counters, "bytes_received")), Remarks(stat)});
  }
  return "\n" +
         FormatTable({"SLOT", "BUSIEST", "NAME", "SENT", "BYTES", "RECEIVED", "BYTES", "REMARKS"},
                     rows, decorate);
}

}  // namespace

std::string StatusJson(const StatusReport& report) {
  Json json = {{"schema", kSchema},
               {"where", nullptr},
               {"region", RegionJson(report.region)},
               {"daemon", DaemonJson(report)},
               {"unserved", Json::array()},
               {"ready", CountOf(report, PeerState::kReady)},
               {"connected", CountOf(report, PeerState::kConnected)},
               {"live_endpoints", EndpointsOf(report)},
               {"peers", Json::array()},
               {"memory", MemoryJson(report.memory)},
               {"busiest", Json::array()}};
  if (!report.where.empty()) json["where"] = report.where;
  for (const UnservedRegion& one : report.unserved) json["unserved"].push_back(UnservedJson(one));
  for (const PeerStatus& peer : report.peers) json["peers"].push_back(PeerJson(peer));
  for (const EndpointStat& stat : report.busiest) json["busiest"].push_back(BusyJson(stat));
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string StatusText(const StatusReport& report, bool decorate) {
  return absl::StrCat("region     ", RegionLine(report), "\ndaemon     ", DaemonLine(report),
                      UnservedLines(report), "\npeers      ", PeersLine(report), "\nendpoints  ",
                      EndpointsOf(report), " of ", report.region.endpoints, "\nmemory     ",
                      MemoryLine(report), "\n\n", PeersTable(report, decorate),
                      BusiestTable(report, decorate));
}

}  // namespace tombolo::control
