#include "control/cli/admin_command.h"

#include <stdio.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/client/control_client.h"
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

}  // namespace

void AddAdminCommand(CLI::App& app, CliContext& context) {
  CLI::App* admin = app.add_subcommand("admin", "Ask the daemon to do something.");
  admin->footer("  tombolo admin evict 3                 end the machine in slot 3");
  admin->require_subcommand(1);
  AddEvict(*admin, context);
}

}  // namespace tombolo::control
