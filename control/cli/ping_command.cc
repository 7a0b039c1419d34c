#include "control/cli/ping_command.h"

#include <stdio.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "transport/base/units.h"
#include "transport/channel/ping.h"
#include "transport/endpoint/endpoint.h"

namespace tombolo::control {
namespace {

constexpr char kOwnName[] = "tombolo-ping";

struct PingFlags {
  uint16_t slot = 0;
  uint32_t count = 10;
  double timeout_s = 1;
};

// A missing broker is told as a daemon that is not running.
absl::StatusOr<std::unique_ptr<Endpoint>> Attach(const std::string& broker_socket) {
  absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = Endpoint::Attach(broker_socket, kOwnName);
  if (!absl::IsNotFound(endpoint.status())) return endpoint;
  return absl::UnavailableError(endpoint.status().message());
}

// An agent that is gone, on the other hand, says nothing of the daemon.
absl::StatusOr<PingResult> PingFrom(Endpoint& endpoint, const PingFlags& flags) {
  PingOptions options;
  options.slot = flags.slot;
  options.count = flags.count;
  options.timeout_ns = static_cast<int64_t>(flags.timeout_s * static_cast<double>(kNsPerSecond));
  absl::StatusOr<PingResult> result = Ping(endpoint, options);
  if (!absl::IsUnavailable(result.status())) return result;
  return absl::AbortedError(result.status().message());
}

std::string Microseconds(int64_t ns) {
  char text[32];
  snprintf(text, sizeof(text), "%.1f us", static_cast<double>(ns) / kNsPerUs);
  return text;
}

std::string Sentence(uint16_t slot, const PingResult& result) {
  return absl::StrCat("slot ", slot, ": agent, endpoint ", result.agent.index, ".",
                      result.agent.incarnation, ": ", result.round_trips_ns.size(), " of ",
                      result.sent, " pings answered; round trip min ", Microseconds(result.MinNs()),
                      ", median ", Microseconds(result.MedianNs()), ", max ",
                      Microseconds(result.MaxNs()));
}

absl::Status Run(const CliContext& context, const PingFlags& flags) {
  const absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = Attach(context.BrokerSocket());
  if (!endpoint.ok()) return endpoint.status();
  const absl::StatusOr<PingResult> result = PingFrom(**endpoint, flags);
  // What the broker says does not matter any more: the process ends soon.
  (*endpoint)->Detach().IgnoreError();
  if (!result.ok()) return result.status();
  puts(Sentence(flags.slot, *result).c_str());
  return absl::OkStatus();
}

}  // namespace

void AddPingCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("ping", "Ask the agent of a slot to answer.");
  command->footer(
      "  tombolo ping 1                the agent of the VM in slot 1\n"
      "  tombolo ping 0 --count 1000   the host's own agent (tombolo-agent --host)");
  const auto flags = std::make_shared<PingFlags>();
  command->add_option("SLOT", flags->slot, "Whose agent to ask")->required()->option_text(" ");
  command->add_option("-n,--count", flags->count, "How many times (default 10)")
      ->option_text("N")
      ->check(CLI::Range(1u, 1'000'000u));
  command->add_option("--timeout", flags->timeout_s, "Seconds to wait for each (default 1)")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.001, 3600.0));
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Run(context, *flags); }; });
}

}  // namespace tombolo::control
