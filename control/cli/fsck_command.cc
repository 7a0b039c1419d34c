#include "control/cli/fsck_command.h"

#include <stdio.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/cli/fsck_text.h"
#include "control/cli/region_option.h"
#include "control/cli/table.h"
#include "control/region_source/region_source.h"
#include "transport/fsck/check_region.h"
#include "transport/region/uuid_text.h"

namespace tombolo::control {
namespace {

struct FsckFlags {
  std::string region;
  bool json = false;
};

absl::Status Run(const CliContext& context, const FsckFlags& flags) {
  const absl::StatusOr<RegionSource> source = OpenRegion(context, flags.region);
  if (!source.ok()) return source.status();
  const RegionReport report = CheckRegion(source->View());
  const std::string uuid = UuidText(source->View().Uuid());
  const std::string text =
      flags.json
          ? FsckJson(report, uuid) + "\n"
          : absl::StrCat("region ", uuid, ", epoch ", report.membership_epoch, ", ",
                         source->Where(), "\n\n", FsckText(report, MayDecorate(STDOUT_FILENO)));
  fputs(text.c_str(), stdout);
  if (report.IsClean()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      "the region has ", report.violations.size() + report.violations_left_out, " violations."));
}

}  // namespace

void AddFsckCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("fsck",
                                         "Prove whose every extent of the region is. Asks nobody "
                                         "and changes nothing. Exit code 1 when "
                                         "something is not as it should be.");
  command->footer(
      "  tombolo fsck                          works on a live region, and without a daemon\n"
      "  tombolo fsck --region /proc/17/fd/5   of the region that process 17 holds\n"
      "  tombolo fsck --json | jq '.owners[] | select(.bytes > 0)'");
  const auto flags = std::make_shared<FsckFlags>();
  AddRegionOption(*command, flags->region);
  command->add_flag("--json", flags->json, "One JSON object (docs/cli.md)");
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Run(context, *flags); }; });
}

}  // namespace tombolo::control
