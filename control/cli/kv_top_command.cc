#include "control/cli/kv_top_command.h"

#include <stdio.h>

#include <algorithm>
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
#include "control/cli/kv_rates.h"
#include "control/cli/kv_servers.h"
#include "control/cli/live_view.h"
#include "control/memcached/memcached_client.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

// Shorter than of other commands: keys wait for a server that says nothing.
constexpr double kTimeoutSeconds = 1;

struct TopFlags {
  KvServerFlags servers{.addresses = {}, .timeout_s = kTimeoutSeconds};
  double interval_s = 1;
  bool once = false;
  bool json = false;
};

// Asks the servers again and again.
class Sampler {
 public:
  explicit Sampler(std::vector<MemcachedClient> clients)
      : clients_(std::move(clients)), answers_(AskForStatistics(clients_, {})) {}

  // What there is, without rates yet.
  std::vector<KvRates> First() const { return KvRatesBetween(answers_, answers_, 0); }

  // Since the last time.
  std::vector<KvRates> Next() {
    std::vector<KvAnswer> now = AskForStatistics(clients_, {});
    const int64_t now_ns = MonotonicNs();
    seconds_ = static_cast<double>(now_ns - asked_ns_) / static_cast<double>(kNsPerSecond);
    std::vector<KvRates> rates = KvRatesBetween(answers_, now, seconds_);
    asked_ns_ = now_ns;
    answers_ = std::move(now);
    return rates;
  }

  const std::vector<KvAnswer>& Answers() const { return answers_; }

  // Between the last two times.
  double Seconds() const { return seconds_; }

 private:
  std::vector<MemcachedClient> clients_;
  std::vector<KvAnswer> answers_;
  int64_t asked_ns_ = MonotonicNs();
  double seconds_ = 0;
};

class ServerTable : public LiveTable {
 public:
  explicit ServerTable(Sampler& sampler) : sampler_(sampler), rates_(sampler.First()) {}

  void Refresh() override { rates_ = sampler_.Next(); }

  void ChangeOrder() override {
    order_ = order_ == KvOrder::kGiven ? KvOrder::kTraffic : KvOrder::kGiven;
  }

  std::string Title() const override {
    const auto silent =
        std::ranges::count_if(rates_, [](const KvRates& rates) { return !rates.error.empty(); });
    return absl::StrCat("tombolo kv top   ", rates_.size(), " servers, ", silent, " silent   ",
                        order_ == KvOrder::kGiven ? "as given" : "by traffic");
  }

  std::vector<std::string> Lines() const override {
    std::vector<KvRates> sorted = rates_;
    Sort(sorted, order_);
    return KvTopLines(sorted);
  }

 private:
  Sampler& sampler_;
  std::vector<KvRates> rates_;  // As given.
  KvOrder order_ = KvOrder::kGiven;
};

absl::Status PrintOnce(Sampler& sampler, const TopFlags& flags) {
  std::this_thread::sleep_for(std::chrono::duration<double>(flags.interval_s));
  const std::vector<KvRates> rates = sampler.Next();
  if (flags.json) {
    puts(KvTopJson(rates, sampler.Seconds()).c_str());
  } else {
    for (const std::string& line : KvTopLines(rates)) puts(line.c_str());
  }
  fflush(stdout);
  return Failures(sampler.Answers());
}

absl::Status Run(const TopFlags& flags) {
  absl::StatusOr<std::vector<MemcachedClient>> clients = KvClients(flags.servers);
  if (!clients.ok()) return clients.status();
  Sampler sampler(*std::move(clients));
  // Servers may come and go while somebody looks, but one of them is to be there at first.
  const bool any = std::ranges::any_of(
      sampler.Answers(), [](const KvAnswer& answer) { return answer.statistics.ok(); });
  if (!any) return Failures(sampler.Answers());
  if (flags.once || flags.json) return PrintOnce(sampler, flags);
  ServerTable table(sampler);
  return RunLiveView(table, "tombolo kv top", flags.interval_s);
}

}  // namespace

void AddKvTopCommand(CLI::App& kv, CliContext& context) {
  CLI::App* command =
      kv.add_subcommand("top", "Show what servers are doing, live: one row for each.");
  command->footer(
      "  tombolo kv top                        q ends it, s sorts by traffic\n"
      "  tombolo kv top --server cache-a --server unix:/run/tombolo-kv.sock\n"
      "  tombolo kv top --once                 one table of rates, for scripts and logs\n"
      "  tombolo kv top --json | jq '.servers[] | [.server, .hit_ratio]'");
  const auto flags = std::make_shared<TopFlags>();
  AddKvServersOption(*command, flags->servers);
  command->add_option("--interval", flags->interval_s, "Seconds between two looks (default 1)")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.01, 3600.0));
  command->add_flag("--once", flags->once, "Print one table, after one interval");
  command->add_flag("--json", flags->json,
                    "One JSON object instead, after one interval (docs/cli.md)");
  command->callback([&context, flags] {
    context.needs_config = false;
    context.run = [flags] { return Run(*flags); };
  });
}

}  // namespace tombolo::control
