#include "control/doctor/region_checks.h"

#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/doctor/own_endpoint.h"
#include "control/doctor/read_speed.h"
#include "control/ping/pinger.h"
#include "control/region_source/region_source.h"
#include "transport/base/clock.h"
#include "transport/base/memory_type.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/membership_view.h"

namespace tombolo::control {
namespace {

constexpr char kAgentName[] = "agent";

constexpr size_t kPings = 11;

// Between two pings, so that the agent has gone to sleep again and must be rung.
constexpr int64_t kPauseNs = 10 * kNsPerMs;

// Doorbells take microseconds, under emulation a few hundred. What takes longer than this was not
// woken by one but by the timer behind it.
constexpr int64_t kSlowRoundTripNs = 20 * kNsPerMs;

const char* Word(MemoryType type) {
  switch (type) {
    case MemoryType::kWriteBack:
      return "write-back";
    case MemoryType::kWriteCombining:
      return "write-combining";
    case MemoryType::kUncached:
      return "uncached";
    case MemoryType::kDevice:
      return "device memory";
  }
  return "unknown";
}

std::string Fixed(double number, const char* unit) {
  char text[64];
  snprintf(text, sizeof(text), "%.1f %s", number, unit);
  return text;
}

std::string Microseconds(int64_t ns) { return Fixed(static_cast<double>(ns) / kNsPerUs, "us"); }

Finding JudgeMapping(const Region& region, const std::string& where) {
  const uint64_t extents_bytes = uint64_t{region.Parts().extent_count} * kExtentBytes;
  const double ns = NsPerLine(region.Bytes(region.ExtentOffset(0), extents_bytes));
  const std::string text = absl::StrCat("mapped as ", Word(region.Type()), ", ", Fixed(ns, "ns"),
                                        " a cache line (", where, ")");
  const std::map<std::string, double> numbers = {{"ns_per_line", ns}};
  if (ns <= kCachedNsPerLine) return Well(text, numbers);
  return Warning(
      absl::StrCat(text, ", more than ", Fixed(kCachedNsPerLine, "ns"),
                   ": it is not cached, or the processor is emulated"),
      "messages work, large ones more slowly: give the virtual machine KVM (-accel kvm); "
      "if it has it, the processor honours the guest's own choice: load the kernel module of "
      "Tombolo (guest/module/README.md), which maps it cached; else "
      "--mca mpool_tombolo_priority 0 keeps MPI programs' memory out of the region",
      numbers);
}

Finding NotSeen(const absl::Status& why) {
  if (absl::IsInvalidArgument(why)) {
    return Warning("several regions are in this machine's memory, so none was read",
                   "name one with --region; `tombolo stat` lists them");
  }
  if (!absl::IsUnavailable(why)) {
    return Problem(absl::StrCat("the region cannot be read: ", std::string(why.message())),
                   "name another one with --region, or start the daemon again");
  }
  const char* mend = geteuid() == 0 ? "start tombolod, or in a guest tombolo-agent"
                                    : "run tombolo doctor as root: this user sees its own only";
  return Warning("no process that this user may look into holds a region, and none could be joined",
                 mend);
}

// The median and the rest; the first ones, which make the links, count too.
absl::StatusOr<std::vector<int64_t>> Ping(Endpoint& endpoint, EndpointId agent,
                                          int64_t timeout_ns) {
  absl::StatusOr<std::unique_ptr<Channel>> channel = Channel::Create(endpoint);
  if (!channel.ok()) return channel.status();
  Pinger pinger(**channel, agent);
  std::vector<int64_t> round_trips_ns;
  const int64_t until_ns = MonotonicNs() + timeout_ns;
  while (round_trips_ns.size() < kPings && MonotonicNs() < until_ns) {
    const absl::StatusOr<int64_t> round_trip_ns = pinger.Ping(until_ns - MonotonicNs());
    if (!round_trip_ns.ok() && round_trips_ns.empty()) return round_trip_ns.status();
    if (!round_trip_ns.ok()) break;
    round_trips_ns.push_back(*round_trip_ns);
    pinger.Idle(MonotonicNs() + kPauseNs);
  }
  std::ranges::sort(round_trips_ns);
  return round_trips_ns;
}

// Of another slot, or else of this one.
std::optional<tombolo::EndpointInfo> SomeAgent(const Endpoint& endpoint) {
  std::optional<tombolo::EndpointInfo> chosen;
  for (tombolo::EndpointInfo& info : LiveEndpoints(endpoint.SharedRegion())) {
    if (info.name != kAgentName) continue;
    if (!chosen || chosen->slot == endpoint.Slot()) chosen = std::move(info);
  }
  return chosen;
}

Finding JudgeRoundTrips(const std::vector<int64_t>& sorted_ns, const tombolo::EndpointInfo& agent) {
  const int64_t median_ns = sorted_ns[sorted_ns.size() / 2];
  const std::string text =
      absl::StrCat("the agent of slot ", agent.slot, " is woken and answers in ",
                   Microseconds(median_ns), " (median of ", sorted_ns.size(), "; ",
                   Microseconds(sorted_ns.front()), " to ", Microseconds(sorted_ns.back()), ")");
  const std::map<std::string, double> numbers = {
      {"slot", agent.slot},
      {"median_us", static_cast<double>(median_ns) / kNsPerUs},
      {"min_us", static_cast<double>(sorted_ns.front()) / kNsPerUs},
      {"max_us", static_cast<double>(sorted_ns.back()) / kNsPerUs}};
  if (median_ns <= kSlowRoundTripNs) return Well(text, numbers);
  return Warning(
      absl::StrCat(text, ": its timer wakes it, not the doorbell, or its machine is busy"),
      "leave ioeventfd on in QEMU (its default), and see `tombolo doctor` in that guest", numbers);
}

}  // namespace

Finding CheckMapping(const Machine& machine) {
  const absl::StatusOr<RegionSource> source =
      RegionSource::Open({.file = machine.region_file,
                          .daemon_socket = machine.ControlSocket(),
                          .runtime_dir = machine.runtime_dir,
                          .proc = machine.proc,
                          .system = machine.system});
  if (source.ok()) return JudgeMapping(source->View(), source->Where());
  const absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = AttachAsDoctor(machine);
  if (endpoint.ok())
    return JudgeMapping((*endpoint)->SharedRegion(), "as an endpoint of its broker");
  return NotSeen(source.status());
}

Finding CheckDoorbell(const Machine& machine) {
  const absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = AttachAsDoctor(machine);
  if (!endpoint.ok()) {
    return Warning("nobody was rung, because this process could not attach", "see broker above");
  }
  const std::optional<tombolo::EndpointInfo> agent = SomeAgent(**endpoint);
  if (!agent) {
    return Well("nobody to ring: no peer has an agent yet (on the host: tombolo-agent --host)");
  }
  const absl::StatusOr<std::vector<int64_t>> round_trips_ns =
      Ping(**endpoint, agent->id, machine.answer_ns);
  if (round_trips_ns.ok()) return JudgeRoundTrips(*round_trips_ns, *agent);
  return Problem(
      absl::StrCat("the agent of slot ", agent->slot,
                   " does not answer: ", std::string(round_trips_ns.status().message())),
      "look whether its virtual machine is paused, or the agent stopped; `tombolo ping SLOT` asks "
      "it again");
}

}  // namespace tombolo::control
