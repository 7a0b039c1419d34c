#include "control/cli/regions_text.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "control/cli/table.h"
#include "control/words/membership_json.h"
#include "control/words/words.h"

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

constexpr int kSchema = 1;

std::string CheckText(const RegionCheck& check) {
  if (check.violations == 0) return "clean: every extent is accounted for";
  return absl::StrCat(check.violations, " violations; `tombolo fsck` tells of them");
}

// Without the schema.
Json ToJson(const ServedRegion& region) {
  Json sockets = Json::array();
  for (const std::string& socket : region.sockets) sockets.push_back(Printable(socket));
  Json check = nullptr;
  if (region.check) {
    check = {{"extents", region.check->extents},
             {"free_extents", region.check->free_extents},
             {"violations", region.check->violations}};
  }
  return {{"name", Printable(region.name)},
          {"uuid", Printable(region.info.uuid)},
          {"bytes", region.info.size_bytes},
          {"free_bytes", region.info.free_bytes},
          {"slots", region.info.slots},
          {"vectors", region.info.vectors},
          {"endpoints", region.info.endpoints},
          {"layout_version", region.info.layout_version},
          {"membership_epoch", region.info.membership_epoch},
          {"group", Printable(region.group)},
          {"folder", Printable(region.folder)},
          {"sockets", sockets},
          {"memory_path", Printable(region.memory_path)},
          {"virtual_machines", region.present.virtual_machines},
          {"joining", region.joining},
          {"live_endpoints", region.present.endpoints},
          {"dead_endpoints", region.dead_endpoints},
          {"services", region.services},
          {"draining", region.draining},
          {"check", check},
          {"problem", region.problem.empty() ? Json(nullptr) : Json(Printable(region.problem))}};
}

Rows MemberRows(const ServedRegion& region) {
  return {{"virtual machines", absl::StrCat(region.present.virtual_machines, ", and ",
                                            region.joining, " that are joining")},
          {"endpoints",
           absl::StrCat(region.present.endpoints, ", and ", region.dead_endpoints, " dead ones")},
          {"services", absl::StrCat(region.services)},
          {"newcomers", region.draining ? "are kept out" : "may join"}};
}

Rows PlaceRows(const ServedRegion& region) {
  Rows rows = {{"group", Printable(region.group)}, {"folder", Printable(region.folder)}};
  for (const std::string& socket : region.sockets) rows.push_back({"socket", Printable(socket)});
  rows.push_back({"memory", Printable(region.memory_path)});
  return rows;
}

}  // namespace

std::string RegionsTable(const std::vector<ServedRegion>& regions, bool decorate) {
  Rows rows;
  for (const ServedRegion& region : regions) {
    if (!region.problem.empty()) {
      rows.push_back({Printable(region.name), "-", "-", "-", "-", "-", "-",
                      absl::StrCat(Printable(region.folder), ": not served")});
      continue;
    }
    rows.push_back({Printable(region.name), absl::StrCat(region.info.size_bytes),
                    absl::StrCat(region.info.free_bytes), absl::StrCat(region.info.slots),
                    absl::StrCat(region.present.virtual_machines),
                    absl::StrCat(region.present.endpoints), Printable(region.group),
                    Printable(region.folder)});
  }
  return FormatTable({"REGION", "BYTES", "FREE", "SLOTS", "VMS", "ENDPOINTS", "GROUP", "FOLDER"},
                     rows, decorate);
}

std::string RegionsJson(const std::vector<ServedRegion>& regions) {
  Json list = Json::array();
  for (const ServedRegion& region : regions) list.push_back(ToJson(region));
  return DumpJson({{"schema", kSchema}, {"regions", list}}) + "\n";
}

std::string RegionText(const ServedRegion& region, bool decorate) {
  if (!region.problem.empty()) {
    return FormatTable({"WHAT", "VALUE"},
                       {{"region", Printable(region.name)},
                        {"folder", Printable(region.folder)},
                        {"not served", Printable(region.problem)}},
                       decorate);
  }
  Rows rows = {{"region", Printable(region.name)},
               {"uuid", Printable(region.info.uuid)},
               {"free memory",
                absl::StrCat(region.info.free_bytes, " of ", region.info.size_bytes, " bytes")},
               {"slots", absl::StrCat(region.info.slots, ", of ", region.info.vectors, " vectors")},
               {"places for endpoints", absl::StrCat(region.info.endpoints)}};
  for (const Rows& more : {MemberRows(region), PlaceRows(region)}) {
    rows.insert(rows.end(), more.begin(), more.end());
  }
  if (region.check) rows.push_back({"fsck", CheckText(*region.check)});
  return FormatTable({"WHAT", "VALUE"}, rows, decorate);
}

std::string RegionJson(const ServedRegion& region) {
  Json json = {{"schema", kSchema}};
  json.update(ToJson(region));
  return DumpJson(json) + "\n";
}

}  // namespace tombolo::control
