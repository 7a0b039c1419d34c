#include "transport/fsck/owner_table.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/endpoint/membership_view.h"
#include "transport/endpoint/service_view.h"
#include "transport/layout/member_table.h"
#include "transport/layout/service_record.h"

namespace tombolo {
namespace {

OwnerStanding StandingOfEndpoint(uint64_t identity) {
  switch (static_cast<EndpointState>(IdentityState(identity))) {
    case EndpointState::kFree:
      return OwnerStanding::kNobody;
    case EndpointState::kLive:
      return OwnerStanding::kLive;
    case EndpointState::kDead:
      return OwnerStanding::kDead;
  }
  return OwnerStanding::kUnknown;
}

OwnerStanding StandingOfService(uint64_t identity) {
  switch (static_cast<ServiceState>(IdentityState(identity))) {
    case ServiceState::kFree:
      return OwnerStanding::kNobody;
    case ServiceState::kExists:
      return OwnerStanding::kService;
  }
  return OwnerStanding::kUnknown;
}

std::string UnknownState(const char* what, uint32_t index, uint64_t identity) {
  return absl::StrCat("the record of ", what, " ", index, " is in state ", IdentityState(identity),
                      ", which does not exist");
}

}  // namespace

OwnerTable::OwnerTable(const Region& region, Findings& findings) {
  ReadEndpoints(region, findings);
  ReadServices(region, findings);
}

void OwnerTable::ReadEndpoints(const Region& region, Findings& findings) {
  endpoints_.resize(region.Limits().endpoint_count);
  for (uint32_t i = 0; i < endpoints_.size(); ++i) {
    Entry& entry = endpoints_[i];
    // Acquire: pairs with the daemon's release store, as in ReadEndpoint.
    entry.identity = region.Endpoint(i).identity.load(std::memory_order_acquire);
    OwnerReport& report = entry.report;
    report.owner = static_cast<uint16_t>(i);
    report.standing = StandingOfEndpoint(entry.identity);
    report.incarnation = IdentityIncarnation(entry.identity);
    if (report.standing == OwnerStanding::kUnknown) {
      findings.Add(ViolationKind::kUnknownState, i, Evidence().Add(entry.identity),
                   UnknownState("endpoint", i, entry.identity));
      continue;
    }
    const std::optional<EndpointInfo> info = ReadEndpoint(region, i);
    if (!info) continue;
    report.name = info->name;
    report.slot = info->slot;
    report.pid = info->pid;
    if (info->slot >= region.Limits().slot_count) {
      findings.Add(ViolationKind::kMember, i, Evidence().Add(entry.identity).Add(info->slot),
                   absl::StrCat(Describe(report.owner), " belongs to slot ", info->slot,
                                ", but there are ", region.Limits().slot_count, " slots"));
    }
  }
}

void OwnerTable::ReadServices(const Region& region, Findings& findings) {
  services_.resize(kServiceCount);
  for (uint32_t i = 0; i < kServiceCount; ++i) {
    Entry& entry = services_[i];
    entry.identity = region.Service(i).identity.load(std::memory_order_acquire);
    OwnerReport& report = entry.report;
    report.owner = ServiceOwner(i);
    report.standing = StandingOfService(entry.identity);
    report.incarnation = IdentityIncarnation(entry.identity);
    if (report.standing == OwnerStanding::kUnknown) {
      findings.Add(ViolationKind::kUnknownState, i, Evidence().Add(entry.identity),
                   UnknownState("service", i, entry.identity));
      continue;
    }
    const std::optional<ServiceInfo> info = ReadService(region, i);
    if (!info) continue;
    report.name = info->name;
    report.writer = info->writer;
    CheckWriter(entry, i, findings);
  }
}

// A dead writer is no violation: the daemon is about to clear it.
void OwnerTable::CheckWriter(const Entry& service, uint32_t index, Findings& findings) const {
  const EndpointId writer = service.report.writer;
  if (writer == EndpointId{}) return;
  const bool in_range = writer.index < endpoints_.size();
  const uint64_t identity = in_range ? endpoints_[writer.index].identity : 0;
  const OwnerStanding standing = StandingOfEndpoint(identity);
  const bool is_member = standing == OwnerStanding::kLive || standing == OwnerStanding::kDead;
  if (is_member && IdentityIncarnation(identity) == writer.incarnation) return;
  findings.Add(
      ViolationKind::kService, index,
      Evidence().Add(service.identity).Add(identity).Add(writer.index).Add(writer.incarnation),
      absl::StrCat(Describe(service.report.owner), " says that endpoint ", writer.index,
                   " (incarnation ", writer.incarnation, ") writes it, who is no member"));
}

const OwnerTable::Entry* OwnerTable::Find(uint16_t owner) const {
  const std::vector<Entry>& entries = IsServiceOwner(owner) ? services_ : endpoints_;
  const uint32_t index = IsServiceOwner(owner) ? owner - uint32_t{kServiceOwnerBase} : owner;
  return index < entries.size() ? &entries[index] : nullptr;
}

OwnerStanding OwnerTable::StandingOf(uint16_t owner) const {
  const Entry* entry = Find(owner);
  return entry != nullptr ? entry->report.standing : OwnerStanding::kOutOfRange;
}

uint64_t OwnerTable::IdentityOf(uint16_t owner) const {
  const Entry* entry = Find(owner);
  return entry != nullptr ? entry->identity : 0;
}

std::string OwnerTable::Describe(uint16_t owner) const {
  const Entry* entry = Find(owner);
  const std::string name =
      entry != nullptr && !entry->report.name.empty() ? " (" + entry->report.name + ")" : "";
  return IsServiceOwner(owner) ? absl::StrCat("service ", owner - uint32_t{kServiceOwnerBase}, name)
                               : absl::StrCat("endpoint ", owner, name);
}

void OwnerTable::Hold(uint16_t owner, ExtentKind kind, uint64_t extents, bool unfinished) {
  const bool service = IsServiceOwner(owner);
  OwnerReport& report =
      service ? services_[owner - uint32_t{kServiceOwnerBase}].report : endpoints_[owner].report;
  report.extents_by_kind[static_cast<size_t>(kind)] += extents;
  if (unfinished) report.unfinished_extents += extents;
}

std::vector<OwnerReport> OwnerTable::TakeReports() && {
  std::vector<OwnerReport> reports;
  for (std::vector<Entry>* entries : {&endpoints_, &services_}) {
    for (Entry& entry : *entries) {
      if (entry.report.standing != OwnerStanding::kNobody) {
        reports.push_back(std::move(entry.report));
      }
    }
  }
  return reports;
}

}  // namespace tombolo
