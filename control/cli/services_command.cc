#include "control/cli/services_command.h"

#include <stdio.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
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
#include "transport/fsck/region_report.h"
#include "transport/layout/service_record.h"
#include "transport/region/region.h"
#include "transport/region/uuid_text.h"

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kOwnName[] = "tombolo-services";

constexpr int kSchema = 1;

struct ServicesFlags {
  std::string region;
  std::string close;
  bool json = false;
};

std::string WriterOf(const OwnerReport& service) {
  if (service.writer.incarnation == 0) return "-";
  return absl::StrCat("endpoint ", service.writer.index);
}

std::vector<OwnerReport> ServicesOf(const Region& region) {
  std::vector<OwnerReport> services = CheckRegion(region).owners;
  std::erase_if(services,
                [](const OwnerReport& owner) { return owner.standing != OwnerStanding::kService; });
  return services;
}

std::string Table(const std::vector<OwnerReport>& services) {
  std::vector<std::vector<std::string>> rows;
  for (const OwnerReport& service : services) {
    rows.push_back({Printable(service.name), WriterOf(service), absl::StrCat(service.Extents()),
                    absl::StrCat(service.Extents() * kExtentBytes)});
  }
  return FormatTable({"SERVICE", "WRITER", "EXTENTS", "BYTES"}, rows, MayDecorate(STDOUT_FILENO));
}

Json ServiceJson(const OwnerReport& service) {
  Json json = {
      {"name", Printable(service.name)},    {"index", service.owner - uint32_t{kServiceOwnerBase}},
      {"incarnation", service.incarnation}, {"writer", nullptr},
      {"extents", service.Extents()},       {"bytes", service.Extents() * kExtentBytes}};
  if (service.writer.incarnation != 0) {
    json["writer"] = {{"index", service.writer.index}, {"incarnation", service.writer.incarnation}};
  }
  return json;
}

std::string AllJson(const Region& region, const std::vector<OwnerReport>& services) {
  Json json = {
      {"schema", kSchema}, {"region_uuid", UuidText(region.Uuid())}, {"services", Json::array()}};
  for (const OwnerReport& service : services) json["services"].push_back(ServiceJson(service));
  return json.dump() + "\n";
}

absl::Status List(const CliContext& context, const ServicesFlags& flags) {
  const absl::StatusOr<RegionSource> source = OpenRegion(context, flags.region);
  if (!source.ok()) return source.status();
  const std::vector<OwnerReport> services = ServicesOf(source->View());
  fputs((flags.json ? AllJson(source->View(), services) : Table(services)).c_str(), stdout);
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
      "  tombolo services --json | jq '.services[].name'");
  const auto flags = std::make_shared<ServicesFlags>();
  AddRegionOption(*command, flags->region);
  CLI::Option* close =
      command->add_option("--close", flags->close, "Free this one, with all its memory")
          ->option_text("NAME");
  command->add_flag("--json", flags->json, "One JSON object (docs/cli.md)")->excludes(close);
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Run(context, *flags); }; });
}

}  // namespace tombolo::control
