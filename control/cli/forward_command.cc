#include "control/cli/forward_command.h"

#include <signal.h>
#include <stdio.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/cli/own_endpoint.h"
#include "control/event_loop/event_loop.h"
#include "control/tunnel/tunnel_endpoint.h"
#include "control/tunnel/tunnel_rules.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace tombolo::control {
namespace {

constexpr char kOwnName[] = "tombolo-forward";

struct ForwardFlags {
  std::vector<std::string> listens;
  std::vector<std::string> targets;
  bool verbose = false;
};

// The n-th --listen belongs to the n-th --to.
absl::StatusOr<std::vector<ForwardRule>> ParseRules(const ForwardFlags& flags) {
  if (flags.listens.size() != flags.targets.size()) {
    return absl::InvalidArgumentError(absl::StrCat("there are ", flags.listens.size(),
                                                   " --listen and ", flags.targets.size(),
                                                   " --to: each --listen needs its --to."));
  }
  std::vector<ForwardRule> rules;
  for (size_t i = 0; i < flags.listens.size(); ++i) {
    absl::StatusOr<ForwardRule> rule = ParseForwardRule(flags.listens[i], flags.targets[i]);
    if (!rule.ok()) return rule.status();
    rules.push_back(*std::move(rule));
  }
  return rules;
}

// What connections meet is told as this program's own errors are.
void StartLog(bool verbose) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("tombolo"));
  spdlog::set_pattern("warning: %v");
  spdlog::set_level(verbose ? spdlog::level::debug : spdlog::level::warn);
}

// A slot that is not there, or has nobody who could serve, is more likely a slip than a wish to
// wait.
absl::Status CheckAgents(const Endpoint& endpoint, const std::vector<ForwardRule>& rules) {
  for (const ForwardRule& rule : rules) {
    if (auto agent = FindAgent(endpoint, rule.slot); !agent.ok()) return agent.status();
  }
  return absl::OkStatus();
}

void Print(const TunnelEndpoint& tunnel, const std::vector<ForwardRule>& rules) {
  for (size_t i = 0; i < rules.size(); ++i) {
    std::string listen = rules[i].listen.ToString();
    // The port that was found, where any was asked for.
    if (!rules[i].listen.IsUnix()) {
      listen = absl::StrCat(listen.substr(0, listen.rfind(':')), ":", tunnel.ForwardPort(i));
    }
    printf("listening at %s for %s of slot %u\n", listen.c_str(), rules[i].service.c_str(),
           rules[i].slot);
  }
  fflush(stdout);
}

absl::Status RunUntilStopped(EventLoop& loop, TunnelEndpoint& tunnel,
                             const std::vector<ForwardRule>& rules) {
  std::vector<Watch> signals;
  for (const int signal_number : {SIGINT, SIGTERM}) {
    absl::StatusOr<Watch> watch = loop.WatchSignal(signal_number, [&tunnel] { tunnel.Stop(); });
    if (!watch.ok()) return watch.status();
    signals.push_back(*std::move(watch));
  }
  Print(tunnel, rules);
  return tunnel.Run();
}

absl::Status Run(const CliContext& context, const ForwardFlags& flags) {
  absl::StatusOr<std::vector<ForwardRule>> rules = ParseRules(flags);
  if (!rules.ok()) return rules.status();
  StartLog(flags.verbose);
  absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = AttachAs(context, kOwnName);
  if (!endpoint.ok()) return endpoint.status();
  if (absl::Status status = CheckAgents(**endpoint, *rules); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  TunnelOptions options;
  options.forwards = *rules;
  const absl::StatusOr<std::unique_ptr<TunnelEndpoint>> tunnel =
      TunnelEndpoint::CreateWith(**loop, *std::move(endpoint), options);
  if (!tunnel.ok()) return tunnel.status();
  return RunUntilStopped(**loop, **tunnel, *rules);
}

}  // namespace

void AddForwardCommand(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("forward", "Carry local connections to a service of another machine.");
  command->footer(
      "  tombolo forward --listen 127.0.0.1:11211 --to 0:memcached\n"
      "                                connections go to what the host's agent allows by\n"
      "                                --allow memcached=ADDRESS, until ^C\n"
      "  tombolo forward --listen unix:/tmp/db.sock --to 2:127.0.0.1:5432\n"
      "                                the same, named by the address that is allowed there");
  const auto flags = std::make_shared<ForwardFlags>();
  command
      ->add_option("--listen", flags->listens,
                   "Where connections come in: 127.0.0.1:PORT, [::1]:PORT or unix:/PATH (port 0: "
                   "any); may be repeated, each with its --to")
      ->option_text("ADDRESS")
      ->required()
      ->take_all();
  command
      ->add_option("--to", flags->targets,
                   "Where they go: a service, or its address, that the agent of that slot allows")
      ->option_text("SLOT:SERVICE")
      ->required()
      ->take_all();
  command->add_flag("-v,--verbose", flags->verbose,
                    "Tell of every connection that fails, not only of the first of a row");
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Run(context, *flags); }; });
}

}  // namespace tombolo::control
