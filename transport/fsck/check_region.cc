#include "transport/fsck/check_region.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "transport/fsck/findings.h"
#include "transport/fsck/link_scan.h"
#include "transport/fsck/map_scan.h"
#include "transport/fsck/owner_table.h"

namespace tombolo {
namespace {

// A violation that is none is gone at the next look, unless another one has come meanwhile.
constexpr int kMaxLooks = 8;

struct Look {
  RegionReport report;
  Findings findings;
};

Look LookOnce(const Region& region) {
  Look look;
  // Acquire: pairs with the daemon's release; the member table is at least as new.
  look.report.membership_epoch = region.MembershipEpoch().load(std::memory_order_acquire);
  OwnerTable owners(region, look.findings);
  ScanMap(region.ExtentMap(), owners, look.report, look.findings);
  ScanLinks(region, owners, look.findings);
  look.report.owners = std::move(owners).TakeReports();
  return look;
}

// What both looks found. Both lists are in the order in which the region is looked at.
std::vector<Violation> Both(const std::vector<Violation>& before,
                            const std::vector<Violation>& after) {
  std::vector<Violation> both;
  for (const Violation& violation : after) {
    if (std::ranges::find(before, violation) != before.end()) both.push_back(violation);
  }
  return both;
}

RegionReport Conclude(const std::vector<Violation>& before, Look last) {
  RegionReport report = std::move(last.report);
  const uint64_t unaccounted = report.extent_count - report.free_extents - report.owned_extents -
                               report.quarantine_extents - report.service_extents;
  report.violations_left_out = last.findings.LeftOut();
  report.violations = Both(before, last.findings.All());
  uint64_t lost = 0;
  for (const Violation& violation : report.violations) lost += violation.extents;
  // Which extents those are that were left out is not known, so they count as lost.
  report.lost_extents = report.violations_left_out == 0 ? lost : unaccounted;
  report.changing_extents = unaccounted - report.lost_extents;
  return report;
}

}  // namespace

RegionReport CheckRegion(const Region& region) {
  std::vector<Violation> before;
  for (int looks = 1;; ++looks) {
    Look look = LookOnce(region);
    const bool still = look.findings.All() == before;
    if (still || looks == kMaxLooks) return Conclude(before, std::move(look));
    before = look.findings.All();
  }
}

}  // namespace tombolo
