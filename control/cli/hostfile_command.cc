#include "control/cli/hostfile_command.h"

#include <stdio.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/cli/cluster_question.h"
#include "control/cli/cluster_text.h"
#include "control/cluster/cluster_info.h"

namespace tombolo::control {
namespace {

absl::Status Run(const CliContext& context) {
  const absl::StatusOr<ClusterInfo> info = AskAboutCluster(context);
  if (!info.ok()) return info.status();
  fputs(HostFile(*info).c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace

void AddHostfileCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand(
      "hostfile", "Print a host file for mpirun, of the machines of all hosts of the cluster.");
  command->footer(
      "  tombolo hostfile > hosts          needs a tombolod with --etcd (docs/cluster.md)\n"
      "  mpirun --hostfile hosts --mca pml ob1 --mca btl self,tombolo,tcp ./program");
  command->callback([&context] { context.run = [&context] { return Run(context); }; });
}

}  // namespace tombolo::control
