#include "control/cli/kv_stats_command.h"

#include <stdio.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "control/cli/kv_servers.h"
#include "control/cli/table.h"
#include "control/memcached/memcached_client.h"
#include "control/words/membership_json.h"
#include "control/words/words.h"

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;

struct StatsFlags {
  KvServerFlags servers;
  std::vector<std::string> groups;
  bool json = false;
};

// A row for each name that any server says, a column for each server that answered.
std::string Table(const std::vector<KvAnswer>& answers) {
  std::vector<std::string> heading = {"STATISTIC"};
  std::vector<std::vector<std::string>> rows;
  std::map<std::string, size_t> row_of;
  for (const KvAnswer& answer : answers) {
    if (!answer.statistics.ok()) continue;
    heading.push_back(answer.server);
    for (const auto& [name, value] : *answer.statistics) {
      const auto [place, is_new] = row_of.emplace(name, rows.size());
      if (is_new) rows.push_back({Printable(name)});
      rows[place->second].resize(heading.size() - 1, "-");
      rows[place->second].push_back(Printable(value));
    }
  }
  for (auto& row : rows) row.resize(heading.size(), "-");
  return FormatTable(heading, rows, MayDecorate(STDOUT_FILENO));
}

// A number where it is one, written as people write it.
Json ValueJson(const std::string& value) {
  int64_t whole = 0;
  uint64_t large = 0;
  double real = 0;
  if (value.find_first_not_of("0123456789.-") != std::string::npos) return value;
  if (absl::SimpleAtoi(value, &whole)) return whole;
  if (absl::SimpleAtoi(value, &large)) return large;
  if (absl::SimpleAtod(value, &real)) return real;
  return value;
}

Json AnswerJson(const KvAnswer& answer) {
  Json json = {{"server", answer.server}, {"error", nullptr}, {"statistics", Json::object()}};
  if (!answer.statistics.ok()) {
    json["error"] = std::string(answer.statistics.status().message());
    return json;
  }
  for (const auto& [name, value] : *answer.statistics) {
    json["statistics"][name] = ValueJson(value);
  }
  return json;
}

std::string AllJson(const std::vector<KvAnswer>& answers) {
  Json json = {{"schema", kSchema}, {"servers", Json::array()}};
  for (const KvAnswer& answer : answers) json["servers"].push_back(AnswerJson(answer));
  return DumpJson(json) + "\n";
}

bool AnyAnswered(const std::vector<KvAnswer>& answers) {
  for (const KvAnswer& answer : answers) {
    if (answer.statistics.ok()) return true;
  }
  return false;
}

absl::Status Run(const StatsFlags& flags) {
  absl::StatusOr<std::vector<MemcachedClient>> clients = KvClients(flags.servers);
  if (!clients.ok()) return clients.status();
  const std::vector<KvAnswer> answers = AskForStatistics(*clients, flags.groups);
  if (flags.json) {
    fputs(AllJson(answers).c_str(), stdout);
  } else if (AnyAnswered(answers)) {
    fputs(Table(answers).c_str(), stdout);
  }
  fflush(stdout);
  return Failures(answers);
}

}  // namespace

void AddKvStatsCommand(CLI::App& kv, CliContext& context) {
  CLI::App* command =
      kv.add_subcommand("stats", "Print what servers count and how they are set, side by side.");
  command->footer(
      "  tombolo kv stats\n"
      "  tombolo kv stats settings --server cache-a --server cache-b      compare two\n"
      "  tombolo kv stats --json | jq '.servers[0].statistics.curr_items'");
  const auto flags = std::make_shared<StatsFlags>();
  AddKvServersOption(*command, flags->servers);
  command
      ->add_option("GROUP", flags->groups,
                   "Other statistics than the general ones: items, slabs, settings, sizes, conns; "
                   "reset sets the general ones to 0")
      ->option_text("[GROUP...]");
  command->add_flag("--json", flags->json, "One JSON object (docs/cli.md)");
  command->callback([&context, flags] {
    context.needs_config = false;
    context.run = [flags] { return Run(*flags); };
  });
}

}  // namespace tombolo::control
