#include "control/cli/top_command.h"

#include <stdio.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/cli/live_view.h"
#include "control/cli/region_option.h"
#include "control/cli/stat_text.h"
#include "control/cli/top_rates.h"
#include "control/region_source/region_source.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/region/region.h"

namespace tombolo::control {
namespace {

struct TopFlags {
  std::string region;
  double interval_s = 1;
  bool once = false;
  bool json = false;
};

double SecondsSince(int64_t start_ns) {
  return static_cast<double>(MonotonicNs() - start_ns) / static_cast<double>(kNsPerSecond);
}

// Looks at the region again and again.
class Sampler {
 public:
  explicit Sampler(const Region& region)
      : region_(region), before_(ReadStat(region)), read_ns_(MonotonicNs()) {}

  // Who is there, without rates yet.
  RegionRates First() const { return RatesBetween(before_, before_, 0); }

  // Since the last time.
  RegionRates Next() {
    RegionStat now = ReadStat(region_);
    RegionRates rates = RatesBetween(before_, now, SecondsSince(read_ns_));
    read_ns_ = MonotonicNs();
    before_ = std::move(now);
    return rates;
  }

 private:
  const Region& region_;
  RegionStat before_;
  int64_t read_ns_;
};

void PrintOnce(const Region& region, const TopFlags& flags) {
  Sampler sampler(region);
  std::this_thread::sleep_for(std::chrono::duration<double>(flags.interval_s));
  RegionRates rates = sampler.Next();
  Sort(rates, TopOrder::kTraffic);
  if (flags.json) {
    puts(TopJson(rates).c_str());
  } else {
    for (const std::string& line : TopLines(rates)) puts(line.c_str());
  }
  fflush(stdout);
}

const char* Word(TopOrder order) {
  if (order == TopOrder::kTraffic) return "traffic";
  return order == TopOrder::kSlot ? "slot" : "name";
}

TopOrder After(TopOrder order) {
  if (order == TopOrder::kTraffic) return TopOrder::kSlot;
  return order == TopOrder::kSlot ? TopOrder::kName : TopOrder::kTraffic;
}

class RegionTable : public LiveTable {
 public:
  RegionTable(const Region& region, std::string where)
      : sampler_(region), where_(std::move(where)) {
    Take(sampler_.First());
  }

  void Refresh() override { Take(sampler_.Next()); }

  void ChangeOrder() override {
    order_ = After(order_);
    Sort(rates_, order_);
  }

  std::string Title() const override {
    return absl::StrCat("tombolo top   ", where_, "   epoch ", rates_.membership_epoch, "   ",
                        rates_.endpoints.size(), " endpoints by ", Word(order_));
  }

  std::vector<std::string> Lines() const override { return TopLines(rates_); }

 private:
  void Take(RegionRates rates) {
    rates_ = std::move(rates);
    Sort(rates_, order_);
  }

  Sampler sampler_;
  const std::string where_;
  RegionRates rates_;
  TopOrder order_ = TopOrder::kTraffic;
};

absl::Status Run(const CliContext& context, const TopFlags& flags) {
  const absl::StatusOr<RegionSource> source = OpenRegion(context, flags.region);
  if (!source.ok()) return source.status();
  if (flags.once || flags.json) {
    PrintOnce(source->View(), flags);
    return absl::OkStatus();
  }
  RegionTable table(source->View(), source->Where());
  return RunLiveView(table, "tombolo top", flags.interval_s);
}

}  // namespace

void AddTopCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand(
      "top", "Show what each endpoint is doing, live. Asks nobody and changes nothing.");
  command->footer(
      "  tombolo top                   q ends it, s changes the order; works without a daemon\n"
      "  tombolo top --interval 0.2\n"
      "  tombolo top --once            one table of rates, for scripts and logs\n"
      "  tombolo top --json | jq '.endpoints[] | [.name, .per_second.bytes_sent]'");
  const auto flags = std::make_shared<TopFlags>();
  AddRegionOption(*command, flags->region);
  command->add_option("--interval", flags->interval_s, "Seconds between two looks (default 1)")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.01, 3600.0));
  command->add_flag("--once", flags->once, "Print one table, after one interval");
  command->add_flag("--json", flags->json,
                    "One JSON object instead, after one interval (docs/cli.md)");
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Run(context, *flags); }; });
}

}  // namespace tombolo::control
