#include "control/cli/status_command.h"

#include <stdio.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/cli/daemon_status.h"
#include "control/cli/region_option.h"
#include "control/cli/status_report.h"
#include "control/cli/status_text.h"
#include "control/cli/table.h"
#include "control/client/control_client.h"
#include "control/client/regions_client.h"
#include "control/proto/region_values.h"
#include "control/region_source/region_source.h"

namespace tombolo::control {
namespace {

constexpr std::chrono::milliseconds kPatience{1'000};

struct StatusFlags {
  std::string region;
  bool json = false;
};

// Of what the daemon told; `why_not_read` when it tells nothing.
absl::StatusOr<StatusReport> Ask(const CliContext& context, const DaemonStatus& daemon,
                                 const absl::Status& why_not_read) {
  if (!daemon.region.ok()) return why_not_read;
  const absl::StatusOr<PeerList> list = context.Client().ListPeers();
  if (!list.ok()) return list.status();
  return StatusFrom(*daemon.region, *list);
}

// In the region, if it can be read, or that is what was asked for.
absl::StatusOr<StatusReport> Find(const CliContext& context, const StatusFlags& flags,
                                  const DaemonStatus& daemon) {
  if (!context.server.empty()) return Ask(context, daemon, daemon.region.status());
  const absl::StatusOr<RegionSource> source = OpenRegion(context, flags.region);
  if (source.ok()) return ReadStatus(source->View(), source->Where());
  if (!flags.region.empty()) return source.status();
  return Ask(context, daemon, source.status());
}

DaemonStatus AskWhoever(const CliContext& context) {
  if (context.server.empty()) return AskDaemon(context.ControlSocket());
  ControlClient client = context.Client();
  return AskServer(client);
}

// As far as the daemon tells this user: to others than administrators, and of further regions than
// the first one, it does not.
std::vector<UnservedRegion> FindUnserved(const CliContext& context, const DaemonStatus& daemon) {
  std::vector<UnservedRegion> unserved;
  if (!context.server.empty() || daemon.state != DaemonState::kAnswers) return unserved;
  const absl::StatusOr<std::vector<ServedRegion>> regions =
      RegionsClient(context.ControlSocket(), kPatience).List();
  if (!regions.ok()) return unserved;
  for (const ServedRegion& region : *regions) {
    if (!region.problem.empty()) unserved.push_back({region.name, region.problem});
  }
  return unserved;
}

absl::Status Run(const CliContext& context, const StatusFlags& flags) {
  if (!context.server.empty() && !flags.region.empty()) {
    return absl::InvalidArgumentError("--region is of this machine, --server of another.");
  }
  DaemonStatus daemon = AskWhoever(context);
  absl::StatusOr<StatusReport> report = Find(context, flags, daemon);
  if (!report.ok()) return report.status();
  report->unserved = FindUnserved(context, daemon);
  report->daemon = std::move(daemon);
  const std::string text =
      flags.json ? StatusJson(*report) + "\n" : StatusText(*report, MayDecorate(STDOUT_FILENO));
  fputs(text.c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace

void AddStatusCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand(
      "status",
      "Show the region on one page: daemon, peers, endpoints, memory, and who is busiest. Reads "
      "the region itself where it can, so it works without a daemon.");
  command->footer(
      "  tombolo status                        on the host or in a guest\n"
      "  tombolo status --region /proc/17/fd/5 of the region that process 17 holds\n"
      "  tombolo status --json | jq '.memory.free'");
  const auto flags = std::make_shared<StatusFlags>();
  AddRegionOption(*command, flags->region);
  command->add_flag("--json", flags->json, "One JSON object (docs/cli.md)");
  command->callback([&context, flags] {
    context.reaches_servers = true;
    context.run = [&context, flags] { return Run(context, *flags); };
  });
}

}  // namespace tombolo::control
