// OwnerTable: who may own extents: a copy of the member table as it was when this was made, and
// what each owner was found to hold. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "transport/fsck/findings.h"
#include "transport/fsck/region_report.h"
#include "transport/region/region.h"

namespace tombolo {

class OwnerTable {
 public:
  // Violations of the member table itself go to `findings`.
  OwnerTable(const Region& region, Findings& findings);

  OwnerStanding StandingOf(uint16_t owner) const;

  // The identity word of the owner's record; 0 when there is none.
  uint64_t IdentityOf(uint16_t owner) const;

  // As in "endpoint 3 (rank)", "service 0 (cache)".
  std::string Describe(uint16_t owner) const;

  // `owner` must be live, dead or a service.
  void Hold(uint16_t owner, ExtentKind kind, uint64_t extents, bool unfinished);

  uint32_t EndpointCount() const { return static_cast<uint32_t>(endpoints_.size()); }

  std::vector<OwnerReport> TakeReports() &&;

 private:
  struct Entry {
    uint64_t identity = 0;
    OwnerReport report;
  };

  void ReadEndpoints(const Region& region, Findings& findings);
  void ReadServices(const Region& region, Findings& findings);
  void CheckWriter(const Entry& service, uint32_t index, Findings& findings) const;
  const Entry* Find(uint16_t owner) const;

  std::vector<Entry> endpoints_;
  std::vector<Entry> services_;
};

}  // namespace tombolo
