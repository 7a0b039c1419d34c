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
#include "control/cli/services_watch.h"
#include "control/cli/table.h"
#include "control/client/control_client.h"
#include "control/region_source/region_source.h"
#include "control/registry/service_info.h"
#include "control/registry/service_table.h"
#include "control/words/words.h"
#include "transport/base/units.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"
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
  bool watch = false;
  ServicesWatch how;  // Its `json` is that of all.
};

std::string Table(const std::vector<std::vector<std::string>>& rows) {
  return FormatTable({"SERVICE", "WRITER", "EXTENTS", "BYTES"}, rows, MayDecorate(STDOUT_FILENO));
}

std::string WriterOf(EndpointId writer) {
  return writer.incarnation == 0 ? "-" : absl::StrCat("endpoint ", writer.index);
}

Json WriterJson(EndpointId writer) {
  if (writer.incarnation == 0) return nullptr;
  return {{"index", writer.index}, {"incarnation", writer.incarnation}};
}

// Without services yet.
Json MakeJson(const std::string& region_uuid) {
  return {{"schema", kSchema}, {"region_uuid", region_uuid}, {"services", Json::array()}};
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
    rows.push_back({Printable(service.name), WriterOf(service.writer),
                    absl::StrCat(service.Extents()),
                    absl::StrCat(service.Extents() * kExtentBytes)});
  }
  return Table(rows);
}

Json ServiceJson(const OwnerReport& service) {
  return {
      {"name", Printable(service.name)},    {"index", service.owner - uint32_t{kServiceOwnerBase}},
      {"incarnation", service.incarnation}, {"writer", WriterJson(service.writer)},
      {"extents", service.Extents()},       {"bytes", service.Extents() * kExtentBytes}};
}

std::string AllJson(const Region& region, const std::vector<OwnerReport>& services) {
  Json json = MakeJson(UuidText(region.Uuid()));
  for (const OwnerReport& service : services) json["services"].push_back(ServiceJson(service));
  return json.dump() + "\n";
}

std::string ToldTable(const ServiceList& list) {
  std::vector<std::vector<std::string>> rows;
  for (const ServiceInfo& service : list.services) {
    rows.push_back({Printable(service.entry.name), WriterOf(service.entry.writer), "-", "-"});
  }
  return Table(rows);
}

std::string ToldJson(const ServiceList& list) {
  Json json = MakeJson(list.region_uuid);
  for (const ServiceInfo& service : list.services) {
    const ServiceEntry& entry = service.entry;
    json["services"].push_back({{"name", Printable(entry.name)},
                                {"index", entry.index},
                                {"incarnation", entry.incarnation},
                                {"writer", WriterJson(entry.writer)},
                                {"extents", nullptr},
                                {"bytes", nullptr}});
  }
  return json.dump() + "\n";
}

// What the daemon tells, where the region cannot be read; `why_not_read`, if it is not good, when
// it tells nothing.
absl::Status Ask(const CliContext& context, const ServicesFlags& flags,
                 const absl::Status& why_not_read) {
  const absl::StatusOr<ServiceList> list = context.Client().ListServices();
  if (!list.ok()) return why_not_read.ok() ? list.status() : why_not_read;
  fputs((flags.how.json ? ToldJson(*list) : ToldTable(*list)).c_str(), stdout);
  return absl::OkStatus();
}

absl::Status List(const CliContext& context, const ServicesFlags& flags) {
  if (!context.server.empty()) return Ask(context, flags, absl::OkStatus());
  const absl::StatusOr<RegionSource> source = OpenRegion(context, flags.region);
  if (!source.ok() && flags.region.empty()) return Ask(context, flags, source.status());
  if (!source.ok()) return source.status();
  const std::vector<OwnerReport> services = ServicesOf(source->View());
  fputs((flags.how.json ? AllJson(source->View(), services) : Table(services)).c_str(), stdout);
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
  if (!context.server.empty() && !(flags.close.empty() && flags.region.empty())) {
    return absl::InvalidArgumentError("--server lists; --close and --region are for this machine.");
  }
  if (flags.watch) return WatchServices(context, flags.how);
  return flags.close.empty() ? List(context, flags) : Close(context, flags.close);
}

}  // namespace

void AddServicesCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand(
      "services",
      "List the services, which own memory that outlives processes, watch or close them.");
  command->footer(
      "  tombolo services                      who writes each, and what it owns. Asks nobody, "
      "unless the\n"
      "                                        region cannot be read, as in a guest\n"
      "  tombolo services --close cache        free it and all its memory; not while it is "
      "written\n"
      "  tombolo services --watch              those that there are, then every change, until ^C\n"
      "  tombolo services --json | jq '.services[].name'");
  const auto flags = std::make_shared<ServicesFlags>();
  AddRegionOption(*command, flags->region);
  CLI::Option* close =
      command->add_option("--close", flags->close, "Free this one, with all its memory")
          ->option_text("NAME");
  command
      ->add_flag("--json", flags->how.json, "One JSON object (docs/cli.md); with --watch, a line")
      ->excludes(close);
  CLI::Option* watch =
      command->add_flag("--watch", flags->watch, "Ask tombolod, and tell changes as they happen")
          ->excludes(close)
          ->excludes("--region");
  command
      ->add_option("--resume", flags->how.resume_after_revision,
                   "Begin after this revision, without a snapshot")
      ->option_text("REVISION")
      ->needs(watch);
  command->add_option("-n,--count", flags->how.count, "End after so many lines")
      ->option_text("N")
      ->needs(watch);
  command->callback([&context, flags] {
    context.reaches_servers = true;
    context.run = [&context, flags] { return Run(context, *flags); };
  });
}

}  // namespace tombolo::control
