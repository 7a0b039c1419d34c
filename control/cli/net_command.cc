#include "control/cli/net_command.h"

#include <signal.h>
#include <stdio.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/cli/net_status.h"
#include "control/cli/own_endpoint.h"
#include "control/cli/region_option.h"
#include "control/event_loop/event_loop.h"
#include "control/net/member_name.h"
#include "control/net/members.h"
#include "control/net/net_endpoint.h"
#include "control/net/packet_carrier.h"
#include "control/net/subnet.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"
#include "transport/endpoint/endpoint.h"

namespace tombolo::control {
namespace {

// What every IPv4 machine takes, and what the header can say.
constexpr uint32_t kLeastMtuBytes = 576;
constexpr uint32_t kMostMtuBytes = 65535;
// As large as may be, where a frame just fits into 64 KiB: a packet costs the same whatever its
// size.
constexpr uint32_t kDefaultMtuBytes = 65520;

struct UpFlags {
  std::string subnet = kDefaultSubnet;
  uint32_t number = 1;
  std::string interface = "tombolo0";
  uint32_t mtu_bytes = kDefaultMtuBytes;
};

struct StatusFlags {
  std::string region;
  bool json = false;
};

// What packets meet is told as this program's own errors are.
void StartLog() {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("tombolo"));
  spdlog::set_pattern("warning: %v");
}

void PrintChange(const Members::Change& change) {
  printf("%s %s: slot %u, endpoint %u\n", change.joined ? "member" : "left  ",
         AddressText(change.member.address).c_str(), change.member.slot, change.member.id.index);
  fflush(stdout);
}

void PrintOwn(const UpFlags& flags, const NetEndpoint& net) {
  const std::string ipv6 = net.HasIpv6() ? "and " + Ipv6Text(net.Address()) : "without IPv6";
  printf("%s is %s of %s, %s, MTU %u\n", flags.interface.c_str(),
         AddressText(net.Address()).c_str(), flags.subnet.c_str(), ipv6.c_str(), flags.mtu_bytes);
  fflush(stdout);
}

void PrintCounters(const PacketCounters& counters) {
  printf("packets: %lu sent, %lu received", counters.sent, counters.received);
  const std::pair<uint64_t, const char*> lost[] = {
      {counters.foreign, "not IP from here"},  {counters.to_nobody, "to nobody"},
      {counters.overflowed, "to who is slow"}, {counters.refused, "refused"},
      {counters.untaken, "not taken"},
  };
  for (const auto& [count, words] : lost) {
    if (count != 0) printf(", %lu %s", count, words);
  }
  putchar('\n');
  fflush(stdout);
}

absl::Status RunUntilStopped(EventLoop& loop, NetEndpoint& net) {
  std::vector<Watch> signals;
  for (const int signal_number : {SIGINT, SIGTERM}) {
    absl::StatusOr<Watch> watch = loop.WatchSignal(signal_number, [&net] { net.Stop(); });
    if (!watch.ok()) return watch.status();
    signals.push_back(*std::move(watch));
  }
  absl::Status status = net.Run();
  PrintCounters(net.Counters());
  return status;
}

absl::Status Up(const CliContext& context, const UpFlags& flags) {
  const absl::StatusOr<Subnet> subnet = ParseSubnet(flags.subnet);
  if (!subnet.ok()) return subnet.status();
  StartLog();
  const MemberName name{.subnet = *subnet, .number = flags.number};
  absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = AttachAs(context, name.ToString());
  if (!endpoint.ok()) return endpoint.status();
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  const absl::StatusOr<std::unique_ptr<NetEndpoint>> net =
      NetEndpoint::Create(**loop, *std::move(endpoint),
                          {.name = name,
                           .interface = flags.interface,
                           .mtu_bytes = flags.mtu_bytes,
                           .on_change = PrintChange});
  if (!net.ok()) return net.status();
  PrintOwn(flags, **net);
  return RunUntilStopped(**loop, **net);
}

void PrintMembers(const Region& region, bool json) {
  fputs((json ? NetJson(region) : NetTable(region)).c_str(), stdout);
}

// A region that cannot be looked at from outside, such as that of a guest whose device vfio has, is
// seen by its endpoints.
absl::Status Status(const CliContext& context, const StatusFlags& flags) {
  const absl::StatusOr<RegionSource> source = OpenRegion(context, flags.region);
  if (source.ok()) {
    PrintMembers(source->View(), flags.json);
    return absl::OkStatus();
  }
  if (!flags.region.empty() || !absl::IsUnavailable(source.status())) return source.status();
  const absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = AttachAs(context, "tombolo-net");
  if (!endpoint.ok()) return source.status();
  PrintMembers((*endpoint)->SharedRegion(), flags.json);
  return (*endpoint)->Detach();
}

void AddUp(CLI::App& net, CliContext& context) {
  CLI::App* up = net.add_subcommand("up", "Be a member of a network over the region, until ^C.");
  up->footer(
      "  tombolo net up                        10.77.SLOT.1 at the interface tombolo0\n"
      "  tombolo net up --subnet 10.5.0.0/16   another network; everybody says the same\n"
      "  tombolo net up --number 2             a second member of this machine, in another "
      "network\n"
      "                                        namespace (ip netns exec, unshare -n)");
  const auto flags = std::make_shared<UpFlags>();
  up->add_option(
        "--subnet", flags->subnet,
        absl::StrCat("The network; the same at all members (default ", kDefaultSubnet, ")"))
      ->option_text("ADDRESS/BITS");
  up->add_option(
        "--number", flags->number,
        "The last number of the address, which tells members of one slot apart (default 1)")
      ->option_text("N")
      ->check(CLI::Range(uint32_t{1}, kMaxMemberNumber));
  up->add_option("--interface", flags->interface, "Its name here (default tombolo0)")
      ->option_text("NAME");
  up->add_option("--mtu", flags->mtu_bytes,
                 absl::StrCat("The largest packet, in bytes (default ", kDefaultMtuBytes, ")"))
      ->option_text("BYTES")
      ->check(CLI::Range(kLeastMtuBytes, kMostMtuBytes));
  up->callback(
      [&context, flags] { context.run = [&context, flags] { return Up(context, *flags); }; });
}

void AddStatus(CLI::App& net, CliContext& context) {
  CLI::App* status = net.add_subcommand("status", "List the members of all networks.");
  status->footer(
      "  tombolo net status\n"
      "  tombolo net status --json | jq -r '.members[].address'");
  const auto flags = std::make_shared<StatusFlags>();
  AddRegionOption(*status, flags->region);
  status->add_flag("--json", flags->json, "One JSON object (docs/cli.md)");
  status->callback(
      [&context, flags] { context.run = [&context, flags] { return Status(context, *flags); }; });
}

}  // namespace

void AddNetCommand(CLI::App& app, CliContext& context) {
  CLI::App* net = app.add_subcommand("net", "Carry IP between machines without a network card.");
  net->footer(
      "  tombolo net up                on each machine, as root; then: ping 10.77.0.1 (the host)\n"
      "  tombolo net status            who has which address");
  net->require_subcommand(1);
  AddUp(*net, context);
  AddStatus(*net, context);
}

}  // namespace tombolo::control
