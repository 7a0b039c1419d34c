// `tombolo`: the operators' command line. One file per command; this one reads the command line,
// runs the chosen command and turns its Status into an exit code.
#include <stdio.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "control/agent/agent_flags.h"
#include "control/cli/admin_command.h"
#include "control/cli/bench_command.h"
#include "control/cli/cli_context.h"
#include "control/cli/completion_command.h"
#include "control/cli/config_command.h"
#include "control/cli/copy_command.h"
#include "control/cli/doctor_command.h"
#include "control/cli/examples_first.h"
#include "control/cli/forward_command.h"
#include "control/cli/fsck_command.h"
#include "control/cli/hostfile_command.h"
#include "control/cli/kv_command.h"
#include "control/cli/lock_command.h"
#include "control/cli/net_command.h"
#include "control/cli/offers_command.h"
#include "control/cli/peers_command.h"
#include "control/cli/ping_command.h"
#include "control/cli/region_command.h"
#include "control/cli/regions_command.h"
#include "control/cli/ring_command.h"
#include "control/cli/services_command.h"
#include "control/cli/stat_command.h"
#include "control/cli/status_command.h"
#include "control/cli/top_command.h"
#include "control/cli/v2_command.h"
#include "control/cli/vm_args_command.h"
#include "control/cli/watch_command.h"
#include "control/cli/xml_command.h"
#include "control/config/declared_flags.h"
#include "control/config/flag_set.h"
#include "control/config/read_flags.h"
#include "control/daemon/daemon_flags.h"
#include "control/words/version.h"

namespace tombolo::control {
namespace {

// docs/cli.md tells what each means.
enum ExitCode { kGood = 0, kFailed = 1, kUsage = 2, kNotRunning = 3 };

// No settings: which daemon is asked is a matter of the one command.
void DeclareServer(CLI::App& app, CliContext& context) {
  const auto add = [&app](const std::string& flag, std::string& value, const std::string& words,
                          const std::string& shown) {
    app.add_option(flag, value, words)->option_text(shown)->configurable(false);
  };
  add("--server", context.server,
      "A daemon on another machine (its --listen-tls), for status, peers, watch and services",
      "HOST:PORT");
  add("--tls-cert", context.tls.certificate, "With --server: our certificate, in PEM", "FILE");
  add("--tls-key", context.tls.key, "With --server: the key of that", "FILE");
  add("--tls-ca", context.tls.ca, "With --server: who signs the daemon's certificate", "FILE");
}

absl::Status CheckServer(const CliContext& context) {
  if (context.server.empty() || context.reaches_servers) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "this command needs the machine itself; --server is for status, peers, watch and services.");
}

void AddCommands(CLI::App& app, CliContext& context) {
  AddDoctorCommand(app, context);
  AddStatusCommand(app, context);
  AddPeersCommand(app, context);
  AddWatchCommand(app, context);
  AddPingCommand(app, context);
  AddBenchCommand(app, context);
  AddForwardCommand(app, context);
  AddCopyCommand(app, context);
  AddNetCommand(app, context);
  AddVmArgsCommand(app, context);
  AddXmlCommand(app, context);
  AddStatCommand(app, context);
  AddTopCommand(app, context);
  AddFsckCommand(app, context);
  AddServicesCommand(app, context);
  AddOffersCommand(app, context);
  AddRegionCommand(app, context);
  AddLockCommand(app, context);
  AddRingCommand(app, context);
  AddWaitCommand(app, context);
  AddIdCommand(app, context);
  AddHostfileCommand(app, context);
  AddAdminCommand(app, context);
  AddRegionsCommand(app, context);
  AddV2Command(app, context);
  AddKvCommand(app, context);
  AddCompletionCommand(app, context);
}

void Declare(CLI::App& app, CliContext& context) {
  app.formatter(std::make_shared<ExamplesFirst>());
  app.footer(
      "  tombolo doctor                whether this machine has what it needs\n"
      "  tombolo status                the region on one page, also without a daemon\n"
      "  tombolo peers                 who is in the region\n"
      "  tombolo watch                 joins and leaves, as they happen\n"
      "  tombolo ping 1                whether the agent in slot 1 answers, and how fast\n"
      "  tombolo bench 1               how fast messages go there (tombolo bench --serve there)\n"
      "  tombolo forward --help        carry local connections to a service of another machine\n"
      "  tombolo cp a.img 1:/srv/      a file to another machine, or from it\n"
      "  tombolo net up                IP between machines without a network card\n"
      "  tombolo stat                  what each process has sent and received\n"
      "  tombolo top                   the same, live\n"
      "  tombolo fsck                  whose every piece of memory is\n"
      "  tombolo services              memory that outlives processes; --close frees it\n"
      "  tombolo offers                what members have for each other: tunnels, files, services\n"
      "  tombolo region read | sha1sum bytes of the region; write puts some there by a name\n"
      "  tombolo lock NAME -- COMMAND  one at a time on all machines, or --places N\n"
      "  tombolo wait NAME             until somebody runs tombolo ring NAME\n"
      "  tombolo id                    which slot this is\n"
      "  tombolo hostfile              machines of all hosts of a cluster, for mpirun; also peers "
      "--all\n"
      "  tombolo admin drain           keep newcomers out; and more for administrators\n"
      "  tombolo regions list          all regions of the daemon; create, resize and delete them\n"
      "  tombolo v2 status             an ivshmem v2 device: its peers; also ping, send, receive\n"
      "  tombolo kv top                what memcached servers and tombolo-kv do, live; also get, "
      "set\n"
      "  tombolo config show --origin  how the programs are configured, and where\n"
      "  tombolo vm-args 3             QEMU's options for a VM in slot 3\n"
      "  tombolo xml 3                 the same for libvirt");
  app.add_option("--runtime-dir", context.runtime_dir,
                 "Folder of the daemon's sockets (default /run/tombolo)")
      ->option_text("DIR")
      ->capture_default_str();
  DeclareServer(app, context);
  app.set_version_flag("-V,--version",
                       std::string("tombolo ") + kVersion + " (tombolo.control.v1)");
  app.require_subcommand(0, 1);
  app.fallthrough();
  AddCommands(app, context);
}

int ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return kGood;
  fprintf(stderr, "error: %s\n", std::string(status.message()).c_str());
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return kNotRunning;
    case absl::StatusCode::kInvalidArgument:
      return kUsage;
    default:
      return kFailed;
  }
}

// Those with a table in the configuration.
std::vector<DeclareFlags> Programs() {
  return {[] { return DeclareAgentFlags(std::make_shared<AgentFlags>()); },
          [] { return DeclareDaemonFlags(std::make_shared<DaemonFlags>()); }};
}

int Main(int argc, char** argv) {
  CLI::App app("Shows and watches the peers of a Tombolo region.", "tombolo");
  CliContext context;
  Declare(app, context);
  FlagSet flags(app, "");
  AddConfigCommand(app, context, flags, Programs());
  if (const std::optional<int> exit_code = flags.ParseOrExit(argc, argv)) return *exit_code;
  if (!context.run) {
    fputs(app.help().c_str(), stdout);
    return kGood;
  }
  if (absl::Status status = CheckServer(context); !status.ok()) return ExitCodeOf(status);
  if (context.needs_config) {
    if (absl::Status status = CompleteFlags(flags); !status.ok()) return ExitCodeOf(status);
  }
  return ExitCodeOf(context.run());
}

}  // namespace
}  // namespace tombolo::control

int main(int argc, char** argv) { return tombolo::control::Main(argc, argv); }
