#include "control/cli/kv_command.h"

#include "control/cli/kv_item_commands.h"
#include "control/cli/kv_metrics_command.h"
#include "control/cli/kv_servers_command.h"
#include "control/cli/kv_stats_command.h"
#include "control/cli/kv_top_command.h"

namespace tombolo::control {

void AddKvCommand(CLI::App& app, CliContext& context) {
  CLI::App* kv = app.add_subcommand(
      "kv", "Ask memcached servers: tombolo-kv of the host or of this guest, and stock memcached.");
  kv->footer(
      "  tombolo kv set greeting hello         store; without a value it is read from stdin\n"
      "  tombolo kv get greeting               print the value as it is\n"
      "  tombolo kv del greeting\n"
      "  tombolo kv stats                      what the server counts\n"
      "  tombolo kv top                        what servers are doing, live\n"
      "  tombolo kv metrics --http 127.0.0.1:9150      the same for Prometheus\n"
      "  tombolo kv servers                    those of all hosts of a cluster\n"
      "  tombolo kv get greeting --server cache.example:11212        another server");
  kv->require_subcommand(1);
  AddKvItemCommands(*kv, context);
  AddKvStatsCommand(*kv, context);
  AddKvTopCommand(*kv, context);
  AddKvMetricsCommand(*kv, context);
  AddKvServersCommand(*kv, context);
}

}  // namespace tombolo::control
