#include "control/cli/peers_command.h"

#include <stdio.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/cli/cluster_question.h"
#include "control/cli/cluster_text.h"
#include "control/cli/json_text.h"
#include "control/cli/table.h"
#include "control/client/control_client.h"
#include "control/cluster/cluster_info.h"
#include "control/registry/membership.h"
#include "control/words/words.h"

namespace tombolo::control {
namespace {

struct PeersFlags {
  bool json = false;
  bool endpoints = false;
  bool all = false;
  std::optional<uint32_t> slot;
};

std::string PeersTable(const MembershipSnapshot& snapshot, bool decorate) {
  std::vector<std::vector<std::string>> rows;
  for (const PeerInfo& peer : snapshot.peers) {
    rows.push_back({absl::StrCat(peer.slot), Word(peer.kind), Word(peer.state),
                    absl::StrCat(peer.incarnation), ShortBoot(peer.boot_id),
                    UtcTime(peer.joined_unix_ns), NamesOf(peer.endpoints)});
  }
  return FormatTable({"SLOT", "KIND", "STATE", "INCARNATION", "BOOT", "JOINED", "ENDPOINTS"}, rows,
                     decorate);
}

std::string EndpointsTable(const MembershipSnapshot& snapshot, bool decorate) {
  std::vector<std::vector<std::string>> rows;
  for (const PeerInfo& peer : snapshot.peers) {
    for (const EndpointInfo& endpoint : peer.endpoints) {
      rows.push_back({absl::StrCat(peer.slot), absl::StrCat(endpoint.id.index),
                      absl::StrCat(endpoint.id.incarnation), endpoint.name,
                      absl::StrCat(endpoint.pid), absl::StrCat(endpoint.vector),
                      UtcTime(endpoint.attached_unix_ns)});
    }
  }
  return FormatTable({"SLOT", "ENDPOINT", "INCARNATION", "NAME", "PID", "VECTOR", "ATTACHED"}, rows,
                     decorate);
}

absl::Status RunAll(const CliContext& context, bool as_json) {
  const absl::StatusOr<ClusterInfo> info = AskAboutCluster(context);
  if (!info.ok()) return info.status();
  const std::string text =
      as_json ? AllPeersJson(*info) + "\n" : AllPeersTable(*info, MayDecorate(STDOUT_FILENO));
  fputs(text.c_str(), stdout);
  return absl::OkStatus();
}

absl::Status Run(const CliContext& context, const PeersFlags& flags) {
  if (flags.all && (flags.endpoints || flags.slot)) {
    return absl::InvalidArgumentError(
        "--all is for peers of all hosts; --endpoints and --slot are for those of one.");
  }
  if (flags.all) return RunAll(context, flags.json);
  ControlClient client = context.Client();
  const absl::StatusOr<PeerList> list =
      flags.slot ? client.DescribePeer(*flags.slot) : client.ListPeers();
  if (!list.ok()) return list.status();
  const bool decorate = MayDecorate(STDOUT_FILENO);
  const std::string text = flags.json        ? PeersJson(*list) + "\n"
                           : flags.endpoints ? EndpointsTable(list->snapshot, decorate)
                                             : PeersTable(list->snapshot, decorate);
  fputs(text.c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace

void AddPeersCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("peers", "Show who is in the region now.");
  command->footer(
      "  tombolo peers                 one line per peer\n"
      "  tombolo peers --endpoints     one line per attached process\n"
      "  tombolo peers -e --slot 3     those of one peer\n"
      "  tombolo peers --all           of all hosts of the cluster (docs/cluster.md)\n"
      "  tombolo peers --json | jq '.peers[].slot'");
  const auto flags = std::make_shared<PeersFlags>();
  command->add_flag("-e,--endpoints", flags->endpoints, "One line per process instead of per peer");
  command->add_option("--slot", flags->slot, "Only the peer in this slot; an error if it is vacant")
      ->option_text("SLOT");
  command->add_flag("--all", flags->all, "The peers of all hosts of the cluster");
  command->add_flag("--json", flags->json, "One JSON object, with everything (docs/cli.md)");
  command->callback([&context, flags] {
    context.reaches_servers = true;
    context.run = [&context, flags] { return Run(context, *flags); };
  });
}

}  // namespace tombolo::control
