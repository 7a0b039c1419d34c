#include "control/cli/admin_command.h"

#include <stdio.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/cli/admin_text.h"
#include "control/cli/table.h"
#include "control/client/admin_client.h"
#include "control/client/control_client.h"
#include "control/proto/admin_values.h"
#include "control/registry/membership.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {
namespace {

struct EvictFlags {
  std::optional<uint32_t> slot;
  std::optional<uint32_t> endpoint;
  std::optional<uint32_t> incarnation;
};

// As it is now; of what was there a moment ago when the user says which incarnation he means.
absl::StatusOr<uint32_t> PeerIncarnation(ControlClient& client, const EvictFlags& flags) {
  if (flags.incarnation) return *flags.incarnation;
  const absl::StatusOr<PeerList> list = client.DescribePeer(*flags.slot);
  if (!list.ok()) return list.status();
  return list->snapshot.peers[0].incarnation;
}

absl::StatusOr<EndpointId> FindEndpoint(ControlClient& client, const EvictFlags& flags) {
  if (flags.incarnation) return EndpointId{*flags.endpoint, *flags.incarnation};
  const absl::StatusOr<PeerList> list = client.ListPeers();
  if (!list.ok()) return list.status();
  for (const PeerInfo& peer : list->snapshot.peers) {
    for (const EndpointInfo& endpoint : peer.endpoints) {
      if (endpoint.id.index == *flags.endpoint) return endpoint.id;
    }
  }
  return absl::NotFoundError(absl::StrCat("there is no live endpoint ", *flags.endpoint,
                                          "; `tombolo peers --endpoints` lists them."));
}

absl::StatusOr<int32_t> AskToEvict(ControlClient& client, const EvictFlags& flags) {
  if (flags.slot) {
    const absl::StatusOr<uint32_t> incarnation = PeerIncarnation(client, flags);
    if (!incarnation.ok()) return incarnation.status();
    return client.EvictPeer(*flags.slot, *incarnation);
  }
  const absl::StatusOr<EndpointId> endpoint = FindEndpoint(client, flags);
  if (!endpoint.ok()) return endpoint.status();
  return client.EvictEndpoint(*endpoint);
}

absl::Status Evict(const CliContext& context, const EvictFlags& flags) {
  if (flags.slot.has_value() == flags.endpoint.has_value()) {
    return absl::InvalidArgumentError("say who: a SLOT, or --endpoint INDEX.");
  }
  ControlClient client(context.ControlSocket());
  const absl::StatusOr<int32_t> pid = AskToEvict(client, flags);
  if (!pid.ok()) return pid.status();
  printf("process %d was told to end; its memory is free when it is dead\n", *pid);
  return absl::OkStatus();
}

void AddEvict(CLI::App& admin, CliContext& context) {
  CLI::App* command =
      admin.add_subcommand("evict", "End a virtual machine, or a process of the host, by SIGKILL.");
  command->footer(
      "  tombolo admin evict 3                 the QEMU whose device is in slot 3\n"
      "  tombolo admin evict --endpoint 17     a process, as `tombolo peers --endpoints` lists "
      "it\n"
      "  tombolo admin evict 3 --incarnation 2 only if it is still the one that was meant");
  const auto flags = std::make_shared<EvictFlags>();
  CLI::Option* slot =
      command->add_option("slot", flags->slot, "Of the machine")->option_text("[SLOT]");
  command->add_option("--endpoint", flags->endpoint, "Index of the process's endpoint")
      ->option_text("INDEX")
      ->excludes(slot);
  command->add_option("--incarnation", flags->incarnation, "Of the slot, or of the index")
      ->option_text("N");
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Evict(context, *flags); }; });
}

absl::Status SetLogLevel(const CliContext& context, const std::string& word) {
  const absl::StatusOr<AdminClient::LogLevels> levels =
      AdminClient(context.ControlSocket()).SetLogLevel(ParseLogLevel(word));
  if (!levels.ok()) return levels.status();
  if (levels->now == levels->before) {
    printf("%s\n", Word(levels->now));
  } else {
    printf("%s, and was %s; the next tombolod starts with what its configuration says\n",
           Word(levels->now), Word(levels->before));
  }
  return absl::OkStatus();
}

void AddLogLevel(CLI::App& admin, CliContext& context) {
  CLI::App* command =
      admin.add_subcommand("log-level", "Say how much tombolod tells in its log, or change that.");
  command->footer(
      "  tombolo admin log-level               what holds\n"
      "  tombolo admin log-level debug         until tombolod is started anew");
  const auto word = std::make_shared<std::string>();
  command->add_option("level", *word, "trace, debug, info, warn, error or off")
      ->option_text("[LEVEL]")
      ->check(CLI::IsMember(LogLevelWords()));
  command->callback(
      [&context, word] { context.run = [&context, word] { return SetLogLevel(context, *word); }; });
}

absl::Status Drain(const CliContext& context) {
  const absl::StatusOr<Remaining> remaining = AdminClient(context.ControlSocket()).Drain();
  if (!remaining.ok()) return remaining.status();
  fputs(RemainingText(*remaining).c_str(), stdout);
  return absl::OkStatus();
}

absl::Status Undrain(const CliContext& context) {
  if (absl::Status status = AdminClient(context.ControlSocket()).Undrain(); !status.ok()) {
    return status;
  }
  puts("newcomers may join");
  return absl::OkStatus();
}

void AddDrain(CLI::App& admin, CliContext& context) {
  CLI::App* drain =
      admin.add_subcommand("drain", "Keep newcomers out of the region; those who are there go on.");
  drain->footer(
      "  tombolo admin drain                   says how many are still there; ask again at will\n"
      "  tombolo watch                         tells when they leave");
  drain->callback([&context] { context.run = [&context] { return Drain(context); }; });
  CLI::App* undrain = admin.add_subcommand("undrain", "Let newcomers in again.");
  undrain->callback([&context] { context.run = [&context] { return Undrain(context); }; });
}

absl::Status Fsck(const CliContext& context) {
  const absl::StatusOr<FsckSummary> summary = AdminClient(context.ControlSocket()).Fsck();
  if (!summary.ok()) return summary.status();
  fputs(SummaryText(*summary, MayDecorate(STDOUT_FILENO)).c_str(), stdout);
  if (summary->violations.empty()) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("the region has ", summary->violations.size() + summary->violations_left_out,
                   " violations; `tombolo fsck` has all that it can tell of them."));
}

void AddFsck(CLI::App& admin, CliContext& context) {
  CLI::App* command = admin.add_subcommand(
      "fsck", "Have tombolod prove whose every extent is, for who may not read the region.");
  command->footer("  tombolo admin fsck                    as `tombolo fsck`, in short");
  command->callback([&context] { context.run = [&context] { return Fsck(context); }; });
}

absl::Status Statistics(const CliContext& context, bool json) {
  const absl::StatusOr<DaemonStatistics> statistics =
      AdminClient(context.ControlSocket()).GetStatistics();
  if (!statistics.ok()) return statistics.status();
  const std::string text =
      json ? StatisticsJson(*statistics) : StatisticsText(*statistics, MayDecorate(STDOUT_FILENO));
  fputs(text.c_str(), stdout);
  return absl::OkStatus();
}

void AddStatistics(CLI::App& admin, CliContext& context) {
  CLI::App* command = admin.add_subcommand(
      "statistics", "What tombolod is, and what has happened since it was started.");
  command->footer(
      "  tombolo admin statistics\n"
      "  tombolo admin statistics --json | jq .events");
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "One JSON object, with everything (docs/cli.md)");
  command->callback(
      [&context, json] { context.run = [&context, json] { return Statistics(context, *json); }; });
}

}  // namespace

void AddAdminCommand(CLI::App& app, CliContext& context) {
  CLI::App* admin = app.add_subcommand(
      "admin",
      "Ask the daemon to do something. For root, the daemon's user and the group tombolo-admin.");
  admin->footer(
      "  tombolo admin evict 3                 end the machine in slot 3\n"
      "  tombolo admin drain                   keep newcomers out, until undrain\n"
      "  tombolo admin log-level debug         tell more, until the next start\n"
      "  tombolo admin statistics              what has happened since the daemon was started");
  admin->require_subcommand(1);
  AddEvict(*admin, context);
  AddDrain(*admin, context);
  AddLogLevel(*admin, context);
  AddFsck(*admin, context);
  AddStatistics(*admin, context);
}

}  // namespace tombolo::control
