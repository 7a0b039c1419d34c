#include "control/cli/bench_command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/benchmark/echo_client.h"
#include "control/benchmark/echo_server.h"
#include "control/benchmark/measure.h"
#include "control/benchmark/messages.h"
#include "control/cli/bench_text.h"
#include "control/cli/own_endpoint.h"
#include "control/cli/progress_bar.h"
#include "control/cli/table.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/endpoint/membership_view.h"

namespace tombolo::control {
namespace {

constexpr char kOwnName[] = "tombolo-bench";
// How long the server sleeps at most before it looks at its broker.
constexpr int64_t kServerSleepNs = kNsPerSecond;

struct BenchFlags {
  std::optional<uint16_t> slot;
  bool serve = false;
  std::vector<uint64_t> sizes;
  double seconds = 0.1;
  std::string svg;
  bool json = false;
};

// Set by a signal handler, in this thread.
std::atomic<bool> stop_asked{false};

void AskToStop(int) { stop_asked.store(true, std::memory_order_relaxed); }

bool IsBrokerGone(const Endpoint& endpoint) {
  char byte;
  const ssize_t bytes = recv(endpoint.BrokerFd(), &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);
  return bytes == 0 || (bytes < 0 && errno != EAGAIN && errno != EINTR);
}

absl::Status Serve(const CliContext& context) {
  const absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = AttachAs(context, kEchoServerName);
  if (!endpoint.ok()) return endpoint.status();
  const absl::StatusOr<std::unique_ptr<Channel>> channel = Channel::Create(**endpoint);
  if (!channel.ok()) return channel.status();
  struct sigaction action = {};
  action.sa_handler = AskToStop;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  EchoServer server(**channel);
  printf("serving in slot %u: `tombolo bench %u` from elsewhere measures; ^C ends\n",
         (*endpoint)->Slot(), (*endpoint)->Slot());
  fflush(stdout);
  while (!stop_asked.load(std::memory_order_relaxed)) {
    // A system call, which nobody who measures should wait for.
    if (!server.Turn(kServerSleepNs) && IsBrokerGone(**endpoint)) {
      return absl::UnavailableError(
          "the broker that this endpoint was attached to is gone, and the endpoint with it.");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<EndpointId> FindServer(const Endpoint& endpoint, uint16_t slot) {
  const uint32_t slots = endpoint.SharedRegion().Limits().slot_count;
  if (slot >= slots) {
    return absl::InvalidArgumentError(absl::StrCat(
        "there is no slot ", slot, ": this region's are 0 (the host) to ", slots - 1, "."));
  }
  const auto server = FindEndpoint(endpoint.SharedRegion(), slot, kEchoServerName);
  if (server) return server->id;
  return absl::NotFoundError(absl::StrCat(
      "nobody answers in slot ", slot, ": start `tombolo bench --serve` on that machine first."));
}

std::vector<uint64_t> SizesOf(const BenchFlags& flags) {
  std::vector<uint64_t> sizes = flags.sizes;
  if (sizes.empty()) {
    for (uint64_t size = kSmallestMessageBytes; size <= kLargestMessageBytes; size *= 2) {
      sizes.push_back(size);
    }
  }
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  return sizes;
}

absl::StatusOr<std::vector<SizeFigures>> MeasureAll(EchoClient& client, const BenchFlags& flags) {
  const std::vector<uint64_t> sizes = SizesOf(flags);
  const auto part_ns = static_cast<int64_t>(flags.seconds * static_cast<double>(kNsPerSecond));
  ProgressBar bar("measuring", /*counts_bytes=*/false);
  std::vector<SizeFigures> figures;
  for (const uint64_t size : sizes) {
    bar.Show(figures.size(), sizes.size());
    const absl::StatusOr<SizeFigures> one = MeasureSize(client, size, part_ns);
    if (absl::IsUnavailable(one.status())) return absl::AbortedError(one.status().message());
    if (!one.ok()) return one.status();
    figures.push_back(*one);
  }
  return figures;
}

absl::Status WritePlot(const std::string& file, uint16_t from_slot, uint16_t to_slot,
                       const std::vector<SizeFigures>& figures) {
  std::ofstream out(file, std::ios::trunc);
  out << BenchPlot(absl::StrCat("messages from slot ", from_slot, " to slot ", to_slot), figures);
  out.close();
  if (out.good()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("cannot write ", file, ". Choose another --svg."));
}

absl::Status Measure(const CliContext& context, const BenchFlags& flags) {
  const absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = AttachAs(context, kOwnName);
  if (!endpoint.ok()) return endpoint.status();
  const absl::StatusOr<EndpointId> server = FindServer(**endpoint, *flags.slot);
  if (!server.ok()) return server.status();
  const absl::StatusOr<std::unique_ptr<Channel>> channel = Channel::Create(**endpoint);
  if (!channel.ok()) return channel.status();
  EchoClient client(**channel, *server);
  const absl::StatusOr<std::vector<SizeFigures>> figures = MeasureAll(client, flags);
  if (!figures.ok()) return figures.status();
  const std::string text = flags.json ? BenchJson(*flags.slot, *figures) + "\n"
                                      : BenchTable(*figures, MayDecorate(STDOUT_FILENO));
  fputs(text.c_str(), stdout);
  fflush(stdout);
  if (flags.svg.empty()) return absl::OkStatus();
  return WritePlot(flags.svg, (*endpoint)->Slot(), *flags.slot, *figures);
}

absl::Status Run(const CliContext& context, const BenchFlags& flags) {
  if (flags.serve) return Serve(context);
  if (flags.slot) return Measure(context, flags);
  return absl::InvalidArgumentError(
      "which slot is to be measured? `tombolo bench SLOT`, after `tombolo bench --serve` there.");
}

void AddMeasureOptions(CLI::App& command, BenchFlags& flags, CLI::Option* serve) {
  command.add_option("SLOT", flags.slot, "Where `tombolo bench --serve` runs")
      ->option_text(" ")
      ->excludes(serve);
  command
      .add_option("--sizes", flags.sizes,
                  "Sizes of messages in bytes, 1 to 4194304, with commas in between (default: "
                  "powers of 2 from 8)")
      ->option_text("BYTES,...")
      ->delimiter(',')
      ->check(CLI::Range(uint64_t{1}, uint64_t{kLargestMessageBytes}))
      ->excludes(serve);
  command.add_option("--seconds", flags.seconds, "How long for each figure (default 0.1)")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.0, 3600.0))
      ->excludes(serve);
  command.add_option("--svg", flags.svg, "Draw latency and bandwidth into this file")
      ->option_text("FILE")
      ->excludes(serve);
  command.add_flag("--json", flags.json, "One JSON object, in the end (docs/cli.md)")
      ->excludes(serve);
}

}  // namespace

void AddBenchCommand(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("bench", "Measure latency and bandwidth of messages to another peer.");
  command->footer(
      "  tombolo bench --serve         on one machine: answer, until ^C\n"
      "  tombolo bench 1               on another: measure to the one in slot 1\n"
      "  tombolo bench 1 --sizes 64,4096 --seconds 1\n"
      "  tombolo bench 1 --svg plot.svg\n"
      "  tombolo bench 1 --json | jq '.sizes[] | [.bytes, .latency_median_ns]'");
  const auto flags = std::make_shared<BenchFlags>();
  CLI::Option* serve =
      command->add_flag("--serve", flags->serve, "Answer those who measure, until ^C");
  AddMeasureOptions(*command, *flags, serve);
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Run(context, *flags); }; });
}

}  // namespace tombolo::control
