#include "control/cli/fsck_text.h"

#include <cstdint>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "control/cli/table.h"
#include "control/words/words.h"
#include "transport/base/units.h"
#include "transport/layout/service_record.h"

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;

// By ExtentKind; kNone is nobody's.
constexpr const char* kKindNames[] = {"none",         "link-directory", "link",
                                      "pool-segment", "memory",         "quarantine"};
static_assert(std::size(kKindNames) == kExtentKinds);

struct Class {
  const char* name;
  uint64_t RegionReport::*extents;
  const char* meaning;
};

constexpr Class kClasses[] = {
    {"free", &RegionReport::free_extents, "to be claimed"},
    {"owned", &RegionReport::owned_extents, "by living endpoints"},
    {"quarantine", &RegionReport::quarantine_extents, "lent and freed, or of the dead"},
    {"service", &RegionReport::service_extents, "outlives processes"},
    {"lost", &RegionReport::lost_extents, "nobody's, see below"},
    {"changing", &RegionReport::changing_extents, "at work just now"},
};

const char* StateOf(const OwnerReport& owner) {
  switch (owner.standing) {
    case OwnerStanding::kLive:
      return "live";
    case OwnerStanding::kDead:
      return "dead";
    case OwnerStanding::kService:
      return "service";
    default:
      return "unknown";
  }
}

bool IsService(const OwnerReport& owner) { return IsServiceOwner(owner.owner); }

uint32_t IndexOf(const OwnerReport& owner) {
  return IsService(owner) ? owner.owner - uint32_t{kServiceOwnerBase} : owner.owner;
}

Json OwnerJson(const OwnerReport& owner) {
  Json json = {{"owner", IsService(owner) ? "service" : "endpoint"},
               {"index", IndexOf(owner)},
               {"incarnation", owner.incarnation},
               {"name", Printable(owner.name)},
               {"state", StateOf(owner)},
               {"extents", owner.Extents()},
               {"bytes", owner.Extents() * kExtentBytes},
               {"unfinished", owner.unfinished_extents}};
  for (size_t kind = 1; kind < kExtentKinds; ++kind) {
    json["kinds"][kKindNames[kind]] = owner.extents_by_kind[kind];
  }
  if (!IsService(owner)) {
    json["slot"] = owner.slot;
    json["pid"] = owner.pid;
  } else if (owner.writer.incarnation != 0) {
    json["writer"] = {{"index", owner.writer.index}, {"incarnation", owner.writer.incarnation}};
  }
  return json;
}

std::string ClassesTable(const RegionReport& report, bool decorate) {
  std::vector<std::vector<std::string>> rows;
  for (const Class& one : kClasses) {
    const uint64_t extents = report.*one.extents;
    rows.push_back(
        {one.name, absl::StrCat(extents), absl::StrCat(extents * kExtentBytes), one.meaning});
  }
  rows.push_back({"all", absl::StrCat(report.extent_count),
                  absl::StrCat(report.extent_count * kExtentBytes), "in the region"});
  return FormatTable({"CLASS", "EXTENTS", "BYTES", "MEANING"}, rows, decorate);
}

// As in "link 3, pool-segment 65".
std::string KindsOf(const OwnerReport& owner) {
  std::string text;
  for (size_t kind = 1; kind < kExtentKinds; ++kind) {
    if (owner.extents_by_kind[kind] == 0) continue;
    absl::StrAppend(&text, text.empty() ? "" : ", ", kKindNames[kind], " ",
                    owner.extents_by_kind[kind]);
  }
  if (owner.unfinished_extents != 0) {
    absl::StrAppend(&text, ", of those unfinished ", owner.unfinished_extents);
  }
  return text.empty() ? "-" : text;
}

std::string OwnersTable(const RegionReport& report, bool decorate) {
  std::vector<std::vector<std::string>> rows;
  for (const OwnerReport& owner : report.owners) {
    const bool service = IsService(owner);
    rows.push_back({absl::StrCat(service ? "service " : "endpoint ", IndexOf(owner)),
                    Printable(owner.name), service ? "-" : absl::StrCat(owner.slot),
                    service ? "-" : absl::StrCat(owner.pid), StateOf(owner),
                    absl::StrCat(owner.Extents()), absl::StrCat(owner.Extents() * kExtentBytes),
                    KindsOf(owner)});
  }
  return FormatTable({"OWNER", "NAME", "SLOT", "PID", "STATE", "EXTENTS", "BYTES", "KINDS"}, rows,
                     decorate);
}

std::string Violations(const RegionReport& report) {
  if (report.IsClean()) return "clean: every extent is accounted for\n";
  std::string text = "violations:\n";
  for (const Violation& violation : report.violations) {
    absl::StrAppend(&text, "  ", Word(violation.kind), ": ", Printable(violation.text), "\n");
  }
  if (report.violations_left_out != 0) {
    absl::StrAppend(&text, "  and ", report.violations_left_out, " more\n");
  }
  return text;
}

}  // namespace

std::string FsckJson(const RegionReport& report, const std::string& region_uuid) {
  Json json = {{"schema", kSchema},
               {"region_uuid", region_uuid},
               {"membership_epoch", report.membership_epoch},
               {"extent_bytes", kExtentBytes},
               {"extents", report.extent_count}};
  for (const Class& one : kClasses) json[one.name] = report.*one.extents;
  json["owners"] = Json::array();
  for (const OwnerReport& owner : report.owners) json["owners"].push_back(OwnerJson(owner));
  json["violations"] = Json::array();
  for (const Violation& violation : report.violations) {
    json["violations"].push_back({{"kind", Word(violation.kind)},
                                  {"index", violation.index},
                                  {"extents", violation.extents},
                                  {"text", Printable(violation.text)}});
  }
  json["violations_left_out"] = report.violations_left_out;
  return json.dump();
}

std::string FsckText(const RegionReport& report, bool decorate) {
  return ClassesTable(report, decorate) + "\n" + OwnersTable(report, decorate) + "\n" +
         Violations(report);
}

}  // namespace tombolo::control
