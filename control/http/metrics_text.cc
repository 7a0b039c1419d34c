#include "control/http/metrics_text.h"

#include <algorithm>
#include <string>
#include <vector>

#include "control/http/metric_families.h"
#include "control/http/slot_metrics.h"
#include "control/words/version.h"
#include "control/words/words.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

template <typename Number>
double Value(Number number) {
  return static_cast<double>(number);
}

double Seconds(int64_t ns) { return static_cast<double>(ns) / kNsPerSecond; }

void AddRegion(const RegionInfo& region, MetricFamilies& families) {
  families.BeginGauge("tombolo_build_info", "1; the labels tell what runs.");
  families.Add(1, {{"version", kVersion}, {"layout", std::to_string(region.layout_version)}});
  families.BeginGauge("tombolo_region_info", "1; the label tells which region this is.");
  families.Add(1, {{"uuid", region.uuid}});
  families.Gauge("tombolo_region_size_bytes", "Memory of the region.", Value(region.size_bytes));
  families.Gauge("tombolo_region_free_bytes", "Memory that nobody owns.", Value(region.free_bytes));
  families.Gauge("tombolo_region_slots", "Slots, the host's included.", Value(region.slots));
  families.Gauge("tombolo_region_max_endpoints", "Endpoints that may be attached at once.",
                 Value(region.endpoints));
}

// One family: what `value` makes of each region that is served.
template <typename ValueOf>
void AddOfEach(const std::vector<RegionSummary>& regions, const std::string& name,
               const std::string& help, MetricFamilies& families, ValueOf value) {
  families.BeginGauge(name, help);
  for (const RegionSummary& region : regions) {
    if (region.problem.empty()) families.Add(Value(value(region)), {{"region", region.name}});
  }
}

void AddFurtherRegions(const std::vector<RegionSummary>& regions, MetricFamilies& families) {
  using Summary = RegionSummary;
  families.BeginGauge("tombolo_further_region_served",
                      "Of each region beside the first: 1 when it is served, 0 when it is kept and "
                      "cannot be gone on with.");
  for (const Summary& region : regions) {
    families.Add(region.problem.empty() ? 1 : 0, {{"region", region.name}});
  }
  AddOfEach(regions, "tombolo_further_region_size_bytes", "Its memory.", families,
            [](const Summary& region) { return region.info.size_bytes; });
  AddOfEach(regions, "tombolo_further_region_free_bytes", "Its memory that nobody owns.", families,
            [](const Summary& region) { return region.info.free_bytes; });
  AddOfEach(regions, "tombolo_further_region_virtual_machines", "Virtual machines in it.", families,
            [](const Summary& region) { return region.virtual_machines; });
  AddOfEach(regions, "tombolo_further_region_endpoints", "Living endpoints in it.", families,
            [](const Summary& region) { return region.endpoints; });
  AddOfEach(regions, "tombolo_further_region_services", "Services in it.", families,
            [](const Summary& region) { return region.services; });
}

void AddPeers(const MembershipSnapshot& membership, MetricFamilies& families) {
  families.BeginGauge("tombolo_peers", "Occupied slots; ready: their broker has said hello.");
  for (const PeerKind kind : {PeerKind::kHost, PeerKind::kVm}) {
    for (const PeerState state : {PeerState::kConnected, PeerState::kReady}) {
      const auto count = std::ranges::count_if(membership.peers, [=](const PeerInfo& peer) {
        return peer.kind == kind && peer.state == state;
      });
      families.Add(Value(count), {{"kind", Word(kind)}, {"state", Word(state)}});
    }
  }
  families.BeginGauge("tombolo_peer_ready",
                      "Of each occupied slot: 1 when its broker has said hello, else 0.");
  for (const PeerInfo& peer : membership.peers) {
    families.Add(peer.state == PeerState::kReady ? 1 : 0, {{"slot", std::to_string(peer.slot)}});
  }
  families.BeginGauge("tombolo_endpoints", "Living endpoints of each occupied slot.");
  for (const PeerInfo& peer : membership.peers) {
    families.Add(Value(peer.endpoints.size()), {{"slot", std::to_string(peer.slot)}});
  }
}

void AddEvents(const DaemonStatus& status, MetricFamilies& families) {
  families.BeginCounter("tombolo_membership_events_total", "Changes of the membership.");
  for (size_t i = 0; i < kEventKinds.size(); ++i) {
    families.Add(Value(status.totals.events[i]), {{"event", Word(kEventKinds[i])}});
  }
  families.Gauge("tombolo_membership_revision", "Number of the latest change.",
                 Value(status.membership.revision));
}

void AddDaemon(const DaemonStatus& status, MetricFamilies& families) {
  if (status.beat) {
    families.Gauge("tombolo_dead_endpoints",
                   "Dead endpoints whose memory waits until everybody has let go of it.",
                   Value(status.beat->dead_endpoints));
    families.Gauge("tombolo_services", "Services: owners of memory that outlives processes.",
                   Value(status.beat->services));
    families.Gauge("tombolo_heartbeat_age_seconds",
                   "Time since the daemon's event loop last said that it turns: once a second.",
                   Seconds(status.now_ns - status.beat->at_ns));
  }
  const ProcessStats& process = status.process;
  families.Gauge("process_start_time_seconds", "When the daemon started, in Unix time.",
                 Seconds(status.started_unix_ns));
  families.Counter("process_cpu_seconds_total", "Processor time that the daemon took.",
                   process.cpu_seconds);
  families.Gauge("process_resident_memory_bytes",
                 "Memory of the daemon, with the pages of the region that it has touched.",
                 Value(process.resident_bytes));
  families.Gauge("process_open_fds", "Open descriptors.", Value(process.open_descriptors));
  families.Gauge("process_max_fds", "Descriptors that may be open.",
                 Value(process.max_descriptors));
}

}  // namespace

std::string MetricsText(const DaemonStatus& status) {
  MetricFamilies families;
  AddRegion(status.region, families);
  AddFurtherRegions(status.regions, families);
  AddPeers(status.membership, families);
  AddEvents(status, families);
  AddSlotMetrics(status.totals, families);
  AddDaemon(status, families);
  return families.Text();
}

}  // namespace tombolo::control
