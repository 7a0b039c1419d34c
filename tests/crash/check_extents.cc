#include "tests/crash/check_extents.h"

#include "absl/strings/str_cat.h"
#include "transport/fsck/check_region.h"
#include "transport/fsck/region_report.h"

namespace tombolo::crash {
namespace {

std::string FirstViolation(const RegionReport& report) {
  return report.IsClean() ? std::string() : report.violations.front().text;
}

}  // namespace

std::string CheckAtAnyMoment(const Region& region) { return FirstViolation(CheckRegion(region)); }

std::string CheckAtRest(const Region& region) {
  const RegionReport report = CheckRegion(region);
  for (const OwnerReport& owner : report.owners) {
    if (owner.standing == OwnerStanding::kDead) {
      return absl::StrCat("endpoint ", owner.owner, " is dead and still there");
    }
    if (owner.unfinished_extents != 0) {
      return absl::StrCat("endpoint ", owner.owner, " owns ", owner.unfinished_extents,
                          " extents that are in no run");
    }
  }
  return FirstViolation(report);
}

uint32_t CountOwned(const Region& region, uint32_t owner, ExtentKind kind) {
  uint32_t count = 0;
  for (const SharedU64& shared : region.ExtentMap()) {
    const ExtentWord word = UnpackExtentWord(shared.load(std::memory_order_relaxed));
    const bool counts =
        word.state != ExtentState::kFree && word.owner == owner && word.kind == kind;
    count += counts ? 1 : 0;
  }
  return count;
}

}  // namespace tombolo::crash
