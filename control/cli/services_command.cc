#include "control/cli/services_command.h"

#include <stdio.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/cli/own_endpoint.h"
#include "control/cli/region_option.h"
#include "control/cli/table.h"
#include "control/region_source/region_source.h"
#include "control/words/words.h"
#include "transport/base/units.h"
#include "transport/endpoint/endpoint.h"
#include "transport/fsck/check_region.h"

namespace tombolo::control {
namespace {

constexpr char kOwnName[] = "tombolo-services";

struct ServicesFlags {
  std::string region;
  std::string close;
};

std::string WriterOf(const OwnerReport& service) {
  if (service.writer.incarnation == 0) return "-";
  return absl::StrCat("endpoint ", service.writer.index);
}

absl::Status List(const CliContext& context, const ServicesFlags& flags) {
  const absl::StatusOr<RegionSource> source = OpenRegion(context, flags.region);
  if (!source.ok()) return source.status();
  std::vector<std::vector<std::string>> rows;
  for (const OwnerReport& owner : CheckRegion(source->View()).owners) {
    if (owner.standing != OwnerStanding::kService) continue;
    rows.push_back({Printable(owner.name), WriterOf(owner), absl::StrCat(owner.Extents()),
                    absl::StrCat(owner.Extents() * kExtentBytes)});
  }
  const std::string table =
      FormatTable({"SERVICE", "WRITER", "EXTENTS", "BYTES"}, rows, MayDecorate(STDOUT_FILENO));
  fputs(table.c_str(), stdout);
  return absl::OkStatus();
}

absl::Status Close(const CliContext& context, const std::string& name) {
  const absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = AttachAs(context, kOwnName);
  if (!endpoint.ok()) return endpoint.status();
  if (absl::Status status = (*endpoint)->CloseService(name); !status.ok()) return status;
  printf("the service %s is closed\n", name.c_str());
  return (*endpoint)->Detach();
}

absl::Status Run(const CliContext& context, const ServicesFlags& flags) {
  return flags.close.empty() ? List(context, flags) : Close(context, flags.close);
}

}  // namespace

void AddServicesCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand(
      "services", "List the services, which own memory that outlives processes, or close one.");
  command->footer(
      "  tombolo services                      who writes each, and what it owns; asks nobody\n"
      "  tombolo services --close cache        free it and all its memory; not while it is "
      "written\n"
      "  tombolo fsck --json | jq '.owners[] | select(.owner == \"service\")'");
  const auto flags = std::make_shared<ServicesFlags>();
  AddRegionOption(*command, flags->region);
  command->add_option("--close", flags->close, "Free this one, with all its memory")
      ->option_text("NAME");
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Run(context, *flags); }; });
}

}  // namespace tombolo::control
