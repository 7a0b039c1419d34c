#include "tests/control/service/served_registry.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tombolo::control {
namespace {

MembershipViewOptions ViewOptions(const RegistryLimits& limits) {
  MembershipViewOptions options;
  options.region.uuid = kTestRegionUuid;
  options.region.size_bytes = uint64_t{256} << 20;
  options.region.slots = limits.slots;
  options.region.vectors = limits.vectors;
  options.region.endpoints = limits.endpoints;
  options.region.layout_version = 1;
  options.free_bytes = [] { return kTestFreeBytes; };
  options.history_events = limits.history_events;
  return options;
}

}  // namespace

ServedRegistry::ServedRegistry(const RegistryLimits& limits)
    : registry_(limits), view_(ViewOptions(limits)) {
  std::filesystem::create_directory(folder_);
  registry_.AddObserver([this](const MembershipEvent& event) { view_.Publish(event); });
  registry_.OccupySlot(kHostSlot, PeerKind::kHost, 1'700'000'000'000'000'000).IgnoreError();
  registry_.BrokerReady(kHostSlot, "host-boot").IgnoreError();
}

std::vector<std::string> RecordingActions::Asked() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return asked_;
}

void RecordingActions::Note(std::string what) {
  const std::lock_guard<std::mutex> lock(mutex_);
  asked_.push_back(std::move(what));
}

AdminActions::LogLevels RecordingActions::SetLogLevel(std::optional<LogLevel> level) {
  Note("log level");
  return {.now = level.value_or(LogLevel::kWarn), .before = LogLevel::kWarn};
}

void RecordingActions::SetDraining(bool draining, DrainDone done) {
  Note(draining ? "drain" : "undrain");
  done(Remaining{.virtual_machines = 3, .endpoints = 5});
}

FsckSummary RecordingActions::Fsck() {
  Note("fsck");
  return {.extent_bytes = 4096, .extents = 7, .free_extents = 7, .violations = {}};
}

void RecordingActions::ReadStatistics(StatisticsDone done) {
  Note("statistics");
  DaemonStatistics statistics;
  statistics.version = "1.2.3";
  statistics.slots[3]["messages_sent"] = 17;
  done(statistics);
}

void RecordingActions::Evicted(const std::string& kind, uint32_t number, uint32_t incarnation,
                               const EvictDone& done) {
  Note(absl::StrCat(kind, " ", number, ".", incarnation));
  done(answer_.ok() ? absl::StatusOr<pid_t>(kPid) : answer_);
}

absl::Status ServedRegistry::Serve(Administrators administrators) {
  absl::StatusOr<std::unique_ptr<ControlServer>> server = ControlServer::Start(
      view_, actions_,
      {.sockets = {{OperatorPath(), Audience::kOperators}, {GuestPath(), Audience::kGuests}},
       .administrators = administrators});
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  return absl::OkStatus();
}

void ServedRegistry::PlugReady(uint32_t slot, const std::string& boot_id) {
  registry_.OccupySlot(slot, PeerKind::kVm, 1'700'000'001'000'000'000).IgnoreError();
  registry_.BrokerReady(slot, boot_id).IgnoreError();
}

}  // namespace tombolo::control
