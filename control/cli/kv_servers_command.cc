#include "control/cli/kv_servers_command.h"

#include <stdio.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/cli/cluster_question.h"
#include "control/cli/cluster_text.h"
#include "control/cluster/cluster_info.h"

namespace tombolo::control {
namespace {

absl::Status Run(const CliContext& context, bool for_libmemcached) {
  const absl::StatusOr<ClusterInfo> info = AskAboutCluster(context);
  if (!info.ok()) return info.status();
  const std::string text = for_libmemcached ? KvServerOptions(*info) : KvServerLines(*info);
  if (text.empty()) {
    return absl::NotFoundError(
        "no host of the cluster has told of a memcached server: start its tombolod with "
        "--cluster-kv HOST:PORT.");
  }
  fputs(text.c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace

void AddKvServersCommand(CLI::App& kv, CliContext& context) {
  CLI::App* command = kv.add_subcommand(
      "servers",
      "Print the memcached servers of all hosts of the cluster, in an order that stays.");
  command->footer(
      "  tombolo kv servers                    HOST:PORT on a line each\n"
      "  tombolo kv servers --libmemcached     one line, for memcached_create_from_string()");
  const auto for_libmemcached = std::make_shared<bool>(false);
  command->add_flag("--libmemcached", *for_libmemcached,
                    "One line as libmemcached takes it: --SERVER=HOST:PORT --SERVER=...");
  command->callback([&context, for_libmemcached] {
    context.run = [&context, for_libmemcached] { return Run(context, *for_libmemcached); };
  });
}

}  // namespace tombolo::control
