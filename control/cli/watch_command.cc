#include "control/cli/watch_command.h"

#include <stdio.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "control/cli/json_text.h"
#include "control/client/control_client.h"
#include "control/registry/membership.h"
#include "control/words/words.h"

namespace tombolo::control {
namespace {

struct WatchFlags {
  bool json = false;
  uint64_t resume = 0;
  uint64_t count = 0;  // 0: without end.
};

int64_t NowUnixNs() {
  return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string TextLine(const ControlClient::WatchUpdate& update) {
  const auto* list = std::get_if<PeerList>(&update);
  const uint64_t revision =
      list ? list->snapshot.revision : std::get<MembershipEvent>(update).revision;
  return absl::StrCat(
      UtcTime(NowUnixNs()), "  ", revision, "  ",
      list ? Sentence(list->snapshot) : Sentence(std::get<MembershipEvent>(update)));
}

std::string JsonLine(const ControlClient::WatchUpdate& update) {
  const auto* list = std::get_if<PeerList>(&update);
  return list ? SnapshotJson(*list) : EventJson(std::get<MembershipEvent>(update));
}

// Prints until `flags.count` lines are told or the watch ends. Each line is flushed: readers of a
// pipe wait for it.
absl::Status Run(const CliContext& context, const WatchFlags& flags) {
  ControlClient client = context.Client();
  uint64_t told = 0;
  return client.WatchPeers(flags.resume, "", [&](const ControlClient::WatchUpdate& update) {
    puts((flags.json ? JsonLine(update) : TextLine(update)).c_str());
    fflush(stdout);
    return ++told != flags.count;
  });
}

}  // namespace

void AddWatchCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("watch", "Tell joins, leaves and changes as they happen.");
  command->footer(
      "  tombolo watch                 who is there now, then every change, until ^C\n"
      "  tombolo watch --json | jq -c 'select(.event == \"left\")'\n"
      "  tombolo watch --resume 42     only what happened after revision 42");
  const auto flags = std::make_shared<WatchFlags>();
  command->add_flag("--json", flags->json, "One JSON object a line (docs/cli.md)");
  command->add_option("--resume", flags->resume, "Begin after this revision, without a snapshot")
      ->option_text("REVISION");
  command->add_option("-n,--count", flags->count, "End after so many lines")->option_text("N");
  command->callback([&context, flags] {
    context.reaches_servers = true;
    context.run = [&context, flags] { return Run(context, *flags); };
  });
}

}  // namespace tombolo::control
