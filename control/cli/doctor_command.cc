#include "control/cli/doctor_command.h"

#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "control/cli/doctor_text.h"
#include "control/cli/region_option.h"
#include "control/cli/table.h"
#include "control/doctor/all_checks.h"
#include "control/doctor/check.h"
#include "control/doctor/finding.h"
#include "control/doctor/finding_json.h"
#include "control/doctor/machine.h"
#include "control/doctor/side.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

struct DoctorFlags {
  std::string region;
  std::string side = "auto";
  double timeout_s = 5;
  bool json = false;
};

// The time for one answer within the time for a check: the rest is for saying who did not answer.
constexpr double kAnswerShare = 0.6;

Machine MachineOf(const CliContext& context, const DoctorFlags& flags) {
  Machine machine;
  machine.runtime_dir = context.runtime_dir;
  machine.region_file = flags.region;
  machine.answer_ns = static_cast<int64_t>(flags.timeout_s * kAnswerShare * kNsPerSecond);
  return machine;
}

Side SideOf(const Machine& machine, const DoctorFlags& flags) {
  if (flags.side == "host") return Side::kHost;
  return flags.side == "guest" ? Side::kGuest : FindSide(machine);
}

size_t WidthOf(const std::vector<Check>& checks) {
  size_t width = 0;
  for (const Check& check : checks) width = std::max(width, check.name.size());
  return width;
}

NamedFinding Ask(const Check& check, int64_t deadline_ns) {
  const int64_t start_ns = MonotonicNs();
  NamedFinding finding{check.name, RunGuarded(check, deadline_ns), 0};
  finding.seconds = static_cast<double>(MonotonicNs() - start_ns) / kNsPerSecond;
  return finding;
}

// Each line is told when it is known: a check that waits for its deadline takes a while.
std::vector<NamedFinding> AskAll(const std::vector<Check>& checks, const DoctorFlags& flags) {
  const size_t width = WidthOf(checks);
  const bool decorate = MayDecorate(STDOUT_FILENO);
  std::vector<NamedFinding> findings;
  for (const Check& check : checks) {
    findings.push_back(Ask(check, static_cast<int64_t>(flags.timeout_s * kNsPerSecond)));
    if (flags.json) continue;
    fputs(FindingText(findings.back(), width, decorate).c_str(), stdout);
    fflush(stdout);
  }
  return findings;
}

absl::Status Run(const CliContext& context, const DoctorFlags& flags) {
  const Machine machine = MachineOf(context, flags);
  const Side side = SideOf(machine, flags);
  const std::vector<NamedFinding> findings = AskAll(ChecksOf(machine, side), flags);
  const std::string text = flags.json ? DoctorJson(Word(side), findings) + "\n"
                                      : "\n" + FindingsSummary(Word(side), findings);
  fputs(text.c_str(), stdout);
  if (WorstOf(findings) != Level::kProblem) return absl::OkStatus();
  return absl::FailedPreconditionError("there is a problem; its line says how to mend it.");
}

}  // namespace

void AddDoctorCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand(
      "doctor",
      "Look whether this machine has what Tombolo needs, and tell how to mend what it has not. "
      "Takes part in the region for a moment, and changes nothing. Exit code 1 when there is a "
      "problem; warnings are none.");
  command->footer(
      "  tombolo doctor                on the host or in a guest, without a daemon too\n"
      "  sudo tombolo doctor           sees more\n"
      "  tombolo doctor --json | jq '.checks[] | select(.level != \"ok\")'");
  const auto flags = std::make_shared<DoctorFlags>();
  AddRegionOption(*command, flags->region);
  command
      ->add_option("--side", flags->side,
                   "host, guest, or auto (default): a guest is what has an ivshmem device")
      ->option_text("SIDE")
      ->check(CLI::IsMember({"auto", "host", "guest"}));
  command->add_option("--timeout", flags->timeout_s, "Seconds for each check (default 5)")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.1, 3600.0));
  command->add_flag("--json", flags->json, "One JSON object (docs/cli.md)");
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Run(context, *flags); }; });
}

}  // namespace tombolo::control
