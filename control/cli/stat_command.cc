#include "control/cli/stat_command.h"

#include <stdio.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/cli/region_option.h"
#include "control/cli/stat_text.h"
#include "control/cli/table.h"
#include "control/region_source/region_source.h"

namespace tombolo::control {
namespace {

struct StatFlags {
  std::string region;
  bool json = false;
  double watch_s = 0;
  uint64_t count = 0;
};

void Print(const RegionStat& stat, bool json) {
  const std::string text =
      json ? StatJson(stat) + "\n" : StatTable(stat, MayDecorate(STDOUT_FILENO));
  fputs(text.c_str(), stdout);
  fflush(stdout);
}

// Tables after the first one tell what was added since the one before.
void Watch(const Region& region, const StatFlags& flags) {
  RegionStat before = ReadStat(region);
  Print(before, flags.json);
  for (uint64_t printed = 1; flags.count == 0 || printed < flags.count; ++printed) {
    std::this_thread::sleep_for(std::chrono::duration<double>(flags.watch_s));
    const RegionStat now = ReadStat(region);
    if (!flags.json) fputs("\n", stdout);
    Print(flags.json ? now : Since(before, now), flags.json);
    before = now;
  }
}

absl::Status Run(const CliContext& context, const StatFlags& flags) {
  const absl::StatusOr<RegionSource> source = OpenRegion(context, flags.region);
  if (!source.ok()) return source.status();
  if (flags.watch_s > 0) {
    Watch(source->View(), flags);
  } else {
    Print(ReadStat(source->View()), flags.json);
  }
  return absl::OkStatus();
}

}  // namespace

void AddStatCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand(
      "stat", "Show what each endpoint has sent and received. Asks nobody and changes nothing.");
  command->footer(
      "  tombolo stat                  totals, one line per endpoint; works without a daemon\n"
      "  tombolo stat --watch 1        then, every second, what was added\n"
      "  tombolo stat --json | jq '.endpoints[].counters.messages_sent'");
  const auto flags = std::make_shared<StatFlags>();
  AddRegionOption(*command, flags->region);
  command->add_flag("--json", flags->json, "One JSON object, with every counter (docs/cli.md)");
  command->add_option("--watch", flags->watch_s, "Go on, every so many seconds")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.01, 86400.0));
  command->add_option("--count", flags->count, "With --watch: stop after so many tables")
      ->option_text("N");
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Run(context, *flags); }; });
}

}  // namespace tombolo::control
