#include "control/proto/convert_admin.h"

#include "control/proto/convert.h"

namespace tombolo::control {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

// Of each member of EventCounts, as the message has it.
void ToEvents(const EventCounts& events, v1::EventCounts* message) {
  message->set_joined(events.joined);
  message->set_ready(events.ready);
  message->set_rebooted(events.rebooted);
  message->set_left(events.left);
  message->set_attached(events.attached);
  message->set_gone(events.gone);
}

EventCounts FromEvents(const v1::EventCounts& message) {
  return {.joined = message.joined(),
          .ready = message.ready(),
          .rebooted = message.rebooted(),
          .left = message.left(),
          .attached = message.attached(),
          .gone = message.gone()};
}

}  // namespace

v1::LogLevel ToLogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return v1::LOG_LEVEL_TRACE;
    case LogLevel::kDebug:
      return v1::LOG_LEVEL_DEBUG;
    case LogLevel::kInfo:
      return v1::LOG_LEVEL_INFO;
    case LogLevel::kWarn:
      return v1::LOG_LEVEL_WARN;
    case LogLevel::kError:
      return v1::LOG_LEVEL_ERROR;
    case LogLevel::kOff:
      return v1::LOG_LEVEL_OFF;
  }
  return v1::LOG_LEVEL_UNSPECIFIED;
}

std::optional<LogLevel> FromLogLevel(v1::LogLevel message) {
  for (const LogLevel level : {LogLevel::kTrace, LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn,
                               LogLevel::kError, LogLevel::kOff}) {
    if (ToLogLevel(level) == message) return level;
  }
  return std::nullopt;
}

v1::Remaining ToRemaining(const Remaining& remaining) {
  v1::Remaining message;
  message.set_virtual_machines(remaining.virtual_machines);
  message.set_endpoints(remaining.endpoints);
  return message;
}

Remaining FromRemaining(const v1::Remaining& message) {
  return {.virtual_machines = message.virtual_machines(), .endpoints = message.endpoints()};
}

v1::FsckResponse ToFsckResponse(const FsckSummary& summary) {
  v1::FsckResponse response;
  response.set_membership_epoch(summary.membership_epoch);
  response.set_extent_bytes(summary.extent_bytes);
  response.set_extents(summary.extents);
  response.set_free_extents(summary.free_extents);
  response.set_owned_extents(summary.owned_extents);
  response.set_quarantine_extents(summary.quarantine_extents);
  response.set_service_extents(summary.service_extents);
  response.set_lost_extents(summary.lost_extents);
  response.set_changing_extents(summary.changing_extents);
  response.set_violations_left_out(summary.violations_left_out);
  for (const FsckViolation& violation : summary.violations) {
    v1::Violation& message = *response.add_violations();
    message.set_kind(violation.kind);
    message.set_index(violation.index);
    message.set_extents(violation.extents);
    message.set_text(violation.text);
  }
  return response;
}

FsckSummary FromFsckResponse(const v1::FsckResponse& response) {
  FsckSummary summary{.membership_epoch = response.membership_epoch(),
                      .extent_bytes = response.extent_bytes(),
                      .extents = response.extents(),
                      .free_extents = response.free_extents(),
                      .owned_extents = response.owned_extents(),
                      .quarantine_extents = response.quarantine_extents(),
                      .service_extents = response.service_extents(),
                      .lost_extents = response.lost_extents(),
                      .changing_extents = response.changing_extents(),
                      .violations = {},
                      .violations_left_out = response.violations_left_out()};
  for (const v1::Violation& message : response.violations()) {
    summary.violations.push_back(
        {message.kind(), message.index(), message.extents(), message.text()});
  }
  return summary;
}

v1::GetStatisticsResponse ToStatisticsResponse(const DaemonStatistics& statistics) {
  v1::GetStatisticsResponse response;
  response.set_version(statistics.version);
  response.mutable_started_at()->set_seconds(statistics.started_unix_ns / kNsPerSecond);
  response.mutable_started_at()->set_nanos(
      static_cast<int32_t>(statistics.started_unix_ns % kNsPerSecond));
  response.set_log_level(ToLogLevel(statistics.log_level));
  response.set_draining(statistics.draining);
  *response.mutable_region() = ToRegion(statistics.region);
  *response.mutable_present() = ToRemaining(statistics.present);
  response.set_dead_endpoints(statistics.dead_endpoints);
  response.set_services(statistics.services);
  ToEvents(statistics.events, response.mutable_events());
  for (const auto& [slot, counters] : statistics.slots) {
    v1::SlotCounters& message = *response.add_slots();
    message.set_slot(slot);
    message.mutable_counters()->insert(counters.begin(), counters.end());
  }
  v1::ProcessStatistics& process = *response.mutable_process();
  process.set_cpu_seconds(statistics.cpu_seconds);
  process.set_resident_bytes(statistics.resident_bytes);
  process.set_open_descriptors(statistics.open_descriptors);
  process.set_max_descriptors(statistics.max_descriptors);
  return response;
}

DaemonStatistics FromStatisticsResponse(const v1::GetStatisticsResponse& response) {
  DaemonStatistics statistics;
  statistics.version = response.version();
  statistics.started_unix_ns =
      response.started_at().seconds() * kNsPerSecond + response.started_at().nanos();
  statistics.log_level = FromLogLevel(response.log_level()).value_or(LogLevel::kInfo);
  statistics.draining = response.draining();
  statistics.region = FromRegion(response.region());
  statistics.present = FromRemaining(response.present());
  statistics.dead_endpoints = response.dead_endpoints();
  statistics.services = response.services();
  statistics.events = FromEvents(response.events());
  for (const v1::SlotCounters& slot : response.slots()) {
    statistics.slots[slot.slot()] = {slot.counters().begin(), slot.counters().end()};
  }
  statistics.cpu_seconds = response.process().cpu_seconds();
  statistics.resident_bytes = response.process().resident_bytes();
  statistics.open_descriptors = response.process().open_descriptors();
  statistics.max_descriptors = response.process().max_descriptors();
  return statistics;
}

}  // namespace tombolo::control
