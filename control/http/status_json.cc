#include "control/http/status_json.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "control/words/membership_json.h"
#include "control/words/version.h"
#include "control/words/words.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;

const char* HealthWord(Health health) {
  switch (health) {
    case Health::kStarting:
      return "starting";
    case Health::kGood:
      return "good";
    case Health::kStuck:
      return "stuck";
  }
  return "unknown";
}

double Seconds(int64_t ns) { return static_cast<double>(ns) / kNsPerSecond; }

Json HeartbeatAge(const DaemonStatus& status) {
  if (!status.beat) return nullptr;
  return Seconds(status.now_ns - status.beat->at_ns);
}

Json RegionJson(const RegionInfo& region) {
  return {{"uuid", region.uuid},
          {"size_bytes", region.size_bytes},
          {"free_bytes", region.free_bytes},
          {"slots", region.slots},
          {"vectors", region.vectors},
          {"endpoints", region.endpoints},
          {"layout_version", region.layout_version}};
}

Json FurtherRegionJson(const RegionSummary& region) {
  if (!region.problem.empty()) return {{"name", region.name}, {"problem", region.problem}};
  return {{"name", region.name},
          {"problem", nullptr},
          {"uuid", region.info.uuid},
          {"size_bytes", region.info.size_bytes},
          {"free_bytes", region.info.free_bytes},
          {"virtual_machines", region.virtual_machines},
          {"endpoints", region.endpoints},
          {"services", region.services}};
}

Json FurtherRegionsJson(const std::vector<RegionSummary>& regions) {
  Json list = Json::array();
  for (const RegionSummary& region : regions) list.push_back(FurtherRegionJson(region));
  return list;
}

Json EventsJson(const Totals& totals) {
  Json events;
  for (size_t i = 0; i < kEventKinds.size(); ++i) events[Word(kEventKinds[i])] = totals.events[i];
  return events;
}

Json PeersJson(const MembershipSnapshot& membership) {
  Json peers = Json::array();
  for (const PeerInfo& peer : membership.peers) {
    Json one = PeerJson(peer);
    one["endpoints"] = EndpointsJson(peer.endpoints);
    peers.push_back(std::move(one));
  }
  return peers;
}

Json SlotsJson(const Totals& totals) {
  Json slots = Json::array();
  for (const auto& [slot, values] : totals.slots) {
    Json counters;
    for (size_t i = 0; i < kCounters; ++i) counters[CounterName(i)] = values[i];
    slots.push_back({{"slot", slot}, {"counters", std::move(counters)}});
  }
  return slots;
}

Json ProcessJson(const ProcessStats& process) {
  return {{"cpu_seconds", process.cpu_seconds},
          {"resident_bytes", process.resident_bytes},
          {"open_descriptors", process.open_descriptors},
          {"max_descriptors", process.max_descriptors}};
}

}  // namespace

std::string StatusJson(const DaemonStatus& status) {
  const Beat beat = status.beat.value_or(Beat{});
  return DumpJson({{"schema", kSchema},
                   {"time", UtcTime(status.now_unix_ns)},
                   {"monotonic_s", Seconds(status.now_ns)},
                   {"version", kVersion},
                   {"started_at", UtcTime(status.started_unix_ns)},
                   {"health", HealthWord(HealthOf(status.beat, status.now_ns))},
                   {"heartbeat_age_s", HeartbeatAge(status)},
                   {"region", RegionJson(status.region)},
                   {"further_regions", FurtherRegionsJson(status.regions)},
                   {"revision", status.membership.revision},
                   {"dead_endpoints", beat.dead_endpoints},
                   {"services", beat.services},
                   {"events", EventsJson(status.totals)},
                   {"peers", PeersJson(status.membership)},
                   {"slots", SlotsJson(status.totals)},
                   {"process", ProcessJson(status.process)}});
}

}  // namespace tombolo::control
