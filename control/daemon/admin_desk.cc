#include "control/daemon/admin_desk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/counters/endpoint_counters.h"
#include "control/http/ledger.h"
#include "control/registry/membership.h"
#include "control/words/version.h"
#include "control/words/words.h"
#include "spdlog/spdlog.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr std::pair<LogLevel, spdlog::level::level_enum> kLevels[] = {
    {LogLevel::kTrace, spdlog::level::trace}, {LogLevel::kDebug, spdlog::level::debug},
    {LogLevel::kInfo, spdlog::level::info},   {LogLevel::kWarn, spdlog::level::warn},
    {LogLevel::kError, spdlog::level::err},   {LogLevel::kOff, spdlog::level::off}};

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  for (const auto& [ours, theirs] : kLevels) {
    if (ours == level) return theirs;
  }
  return spdlog::level::info;
}

// What is worse than an error, which we have no word for, is told where errors are.
LogLevel FromSpdlog(spdlog::level::level_enum level) {
  for (const auto& [ours, theirs] : kLevels) {
    if (theirs == level) return ours;
  }
  return LogLevel::kError;
}

// All in one answer, however broken the region is.
constexpr size_t kMostViolations = 100;

FsckSummary Summarize(const RegionReport& report) {
  FsckSummary summary{.membership_epoch = report.membership_epoch,
                      .extent_bytes = kExtentBytes,
                      .extents = report.extent_count,
                      .free_extents = report.free_extents,
                      .owned_extents = report.owned_extents,
                      .quarantine_extents = report.quarantine_extents,
                      .service_extents = report.service_extents,
                      .lost_extents = report.lost_extents,
                      .changing_extents = report.changing_extents,
                      .violations = {},
                      .violations_left_out = report.violations_left_out};
  for (const Violation& violation : report.violations) {
    if (summary.violations.size() == kMostViolations) {
      ++summary.violations_left_out;
      continue;
    }
    summary.violations.push_back(
        {Word(violation.kind), violation.index, violation.extents, Printable(violation.text)});
  }
  return summary;
}

EventCounts ToEventCounts(const Totals& totals) {
  const auto count = [&totals](EventKind kind) {
    const auto found = std::ranges::find(kEventKinds, kind);
    return totals.events[static_cast<size_t>(found - kEventKinds.begin())];
  };
  return {.joined = count(EventKind::kPeerJoined),
          .ready = count(EventKind::kBrokerReady),
          .rebooted = count(EventKind::kPeerRebooted),
          .left = count(EventKind::kPeerLeft),
          .attached = count(EventKind::kEndpointAttached),
          .gone = count(EventKind::kEndpointGone)};
}

DaemonStatistics ToStatistics(const DaemonStatus& status) {
  DaemonStatistics statistics;
  statistics.version = kVersion;
  statistics.started_unix_ns = status.started_unix_ns;
  statistics.region = status.region;
  statistics.events = ToEventCounts(status.totals);
  for (const auto& [slot, values] : status.totals.slots) {
    for (size_t i = 0; i < kCounters; ++i) statistics.slots[slot][CounterName(i)] = values[i];
  }
  statistics.cpu_seconds = status.process.cpu_seconds;
  statistics.resident_bytes = status.process.resident_bytes;
  statistics.open_descriptors = status.process.open_descriptors;
  statistics.max_descriptors = status.process.max_descriptors;
  return statistics;
}

}  // namespace

AdminDesk::AdminDesk(EventLoop& loop, Registry& registry, AdminTools tools)
    : registry_(registry),
      tools_(std::move(tools)),
      errands_(loop, absl::UnavailableError("tombolod is stopping.")) {}

void AdminDesk::Stop() {
  errands_.Stop();
  if (tools_.regions != nullptr) tools_.regions->Stop();
}

void AdminDesk::EvictPeer(uint32_t slot, uint32_t incarnation, EvictDone done) {
  errands_.Run([this, slot, incarnation, done = std::move(done)](const absl::Status& status) {
    done(status.ok() ? KillPeer(slot, incarnation) : status);
  });
}

void AdminDesk::EvictEndpoint(EndpointId id, EvictDone done) {
  errands_.Run([this, id, done = std::move(done)](const absl::Status& status) {
    done(status.ok() ? KillEndpoint(id) : status);
  });
}

absl::StatusOr<pid_t> AdminDesk::KillPeer(uint32_t slot, uint32_t incarnation) const {
  if (slot == kHostSlot) {
    return absl::InvalidArgumentError(
        "slot 0 is the host's, which cannot be evicted from its own region; stop tombolod.");
  }
  const std::optional<PeerInfo> peer = registry_.FindPeer(slot);
  if (!peer || peer->incarnation != incarnation) {
    return absl::NotFoundError(absl::StrCat(
        "no virtual machine is in slot ", slot, " for the ", incarnation, ". time: ",
        peer ? absl::StrCat("it is the ", peer->incarnation, ". time now.") : "it is vacant."));
  }
  const absl::StatusOr<pid_t> pid = tools_.kill_machine(slot);
  if (pid.ok()) spdlog::warn("slot {}: evicted by an administrator: process {}", slot, *pid);
  return pid;
}

absl::StatusOr<pid_t> AdminDesk::KillEndpoint(EndpointId id) const {
  const EndpointInfo* live = registry_.FindEndpoint(id);
  if (live == nullptr) {
    return absl::NotFoundError(absl::StrCat("there is no live endpoint ", id.index,
                                            " of incarnation ", id.incarnation, "."));
  }
  if (live->slot != kHostSlot) {
    return absl::FailedPreconditionError(absl::StrCat(
        "endpoint ", id.index, " is process ", live->pid, " of the virtual machine in slot ",
        live->slot, ", which only that machine can end; end it there, or evict the machine."));
  }
  const absl::StatusOr<pid_t> pid = tools_.kill_process(id);
  if (pid.ok()) {
    spdlog::warn("endpoint {} ('{}'): evicted by an administrator: process {}", id.index,
                 live->name, *pid);
  }
  return pid;
}

AdminActions::LogLevels AdminDesk::SetLogLevel(std::optional<LogLevel> level) {
  const LogLevel before = FromSpdlog(spdlog::get_level());
  if (!level) return {.now = before, .before = before};
  spdlog::set_level(ToSpdlog(*level));
  return {.now = *level, .before = before};
}

void AdminDesk::SetDraining(bool draining, DrainDone done) {
  errands_.Run([this, draining, done = std::move(done)](const absl::Status& status) {
    done(status.ok() ? Drain(draining) : status);
  });
}

// Kept first: a successor may keep out whom we have not yet, but not let in whom we do not.
absl::StatusOr<Remaining> AdminDesk::Drain(bool draining) {
  if (draining != registry_.IsDraining()) {
    if (absl::Status kept = tools_.keep_draining(draining); !kept.ok()) return kept;
    registry_.SetDraining(draining);
    spdlog::warn("{} by an administrator",
                 draining ? "newcomers are kept out" : "newcomers are let in");
  }
  return Present();
}

Remaining AdminDesk::Present() const {
  Remaining present;
  for (const PeerInfo& peer : registry_.Snapshot().peers) {
    if (peer.kind == PeerKind::kVm) ++present.virtual_machines;
    present.endpoints += static_cast<uint32_t>(peer.endpoints.size());
  }
  return present;
}

FsckSummary AdminDesk::Fsck() { return Summarize(tools_.check_region()); }

void AdminDesk::ReadStatistics(StatisticsDone done) {
  errands_.Run([this, done = std::move(done)](const absl::Status& status) {
    if (!status.ok()) return done(status);
    done(Statistics());
  });
}

DaemonStatistics AdminDesk::Statistics() const {
  DaemonStatistics statistics = ToStatistics(tools_.look());
  statistics.log_level = FromSpdlog(spdlog::get_level());
  statistics.draining = registry_.IsDraining();
  statistics.present = Present();
  statistics.dead_endpoints = static_cast<uint32_t>(registry_.DyingEndpoints().size());
  statistics.services = static_cast<uint32_t>(registry_.Services().size());
  return statistics;
}

}  // namespace tombolo::control
