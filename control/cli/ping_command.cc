#include "control/cli/ping_command.h"

#include <stdio.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/cli/own_endpoint.h"
#include "control/cli/ping_summary.h"
#include "control/ping/pinger.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"

namespace tombolo::control {
namespace {

constexpr char kOwnName[] = "tombolo-ping";

struct PingFlags {
  uint16_t slot = 0;
  uint32_t count = 5;
  double interval_s = 0.2;
  double timeout_s = 1;
  bool json = false;
};

int64_t ToNs(double seconds) {
  return static_cast<int64_t>(seconds * static_cast<double>(kNsPerSecond));
}

void PrintOne(uint32_t number, const absl::StatusOr<int64_t>& round_trip_ns) {
  if (round_trip_ns.ok()) {
    printf("%u: %s\n", number, Microseconds(*round_trip_ns).c_str());
  } else {
    printf("%u: %s\n", number, std::string(round_trip_ns.status().message()).c_str());
  }
  fflush(stdout);
}

// Asks `flags.count` times, at most once an interval; a dead peer ends it early.
std::vector<int64_t> AskAll(Pinger& pinger, const PingFlags& flags) {
  std::vector<int64_t> round_trips_ns;
  int64_t next_ns = MonotonicNs();
  for (uint32_t number = 1; number <= flags.count; ++number) {
    pinger.Idle(next_ns);
    next_ns = MonotonicNs() + ToNs(flags.interval_s);
    const absl::StatusOr<int64_t> round_trip_ns = pinger.Ping(ToNs(flags.timeout_s));
    if (!flags.json) PrintOne(number, round_trip_ns);
    if (round_trip_ns.ok()) round_trips_ns.push_back(*round_trip_ns);
    if (absl::IsUnavailable(round_trip_ns.status())) break;
  }
  return round_trips_ns;
}

absl::Status Run(const CliContext& context, const PingFlags& flags) {
  const absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = AttachAs(context, kOwnName);
  if (!endpoint.ok()) return endpoint.status();
  const absl::StatusOr<EndpointId> agent = FindAgent(**endpoint, flags.slot);
  if (!agent.ok()) return agent.status();
  const absl::StatusOr<std::unique_ptr<Channel>> channel = Channel::Create(**endpoint);
  if (!channel.ok()) return channel.status();
  Pinger pinger(**channel, *agent);
  if (!flags.json) {
    printf("ping slot %u: agent, endpoint %u.%u\n", flags.slot, agent->index, agent->incarnation);
  }
  const std::vector<int64_t> round_trips_ns = AskAll(pinger, flags);
  puts((flags.json ? PingJson(flags.slot, flags.count, round_trips_ns)
                   : PingSummary(flags.count, round_trips_ns))
           .c_str());
  fflush(stdout);
  if (!round_trips_ns.empty()) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("the agent of slot ", flags.slot,
                                         " never answered: is it stopped, or its VM paused?"));
}

}  // namespace

void AddPingCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("ping", "Ask the agent of a slot to answer.");
  command->footer(
      "  tombolo ping 1                the agent of the VM in slot 1\n"
      "  tombolo ping 0                the host's own (tombolo-agent --host)\n"
      "  tombolo ping 1 -n 1000 --interval 0\n"
      "  tombolo ping 1 --json | jq '.round_trips_ns | min'");
  const auto flags = std::make_shared<PingFlags>();
  command->add_option("SLOT", flags->slot, "Whose agent to ask")->required()->option_text(" ");
  command->add_option("-n,--count", flags->count, "How many times (default 5)")
      ->option_text("N")
      ->check(CLI::Range(1u, 1'000'000u));
  command->add_option("--interval", flags->interval_s, "Seconds between two (default 0.2)")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.0, 3600.0));
  command->add_option("--timeout", flags->timeout_s, "Seconds to wait for each (default 1)")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.001, 3600.0));
  command->add_flag("--json", flags->json, "One JSON object, in the end (docs/cli.md)");
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Run(context, *flags); }; });
}

}  // namespace tombolo::control
