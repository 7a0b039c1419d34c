#include "control/daemon/region_desk.h"

#include <cstdint>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "control/daemon/daemon_parts.h"
#include "control/daemon/descriptor_limit.h"
#include "control/daemon/region_folder.h"
#include "control/daemon/region_spec.h"
#include "control/daemon/region_word.h"
#include "spdlog/spdlog.h"

namespace tombolo::control {
namespace {

absl::Status CheckEmpty(const ServedRegion& region) {
  if (region.present == Remaining{} && region.joining == 0 && region.dead_endpoints == 0 &&
      region.services == 0) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "region ", region.name, " is not empty: ", region.present.virtual_machines,
      " virtual machines, ", region.joining, " that are joining, ", region.present.endpoints,
      " endpoints, ", region.dead_endpoints, " dead endpoints and ", region.services,
      " services are there. Keep newcomers out (`tombolo --runtime-dir ", region.folder,
      " admin drain`), end them, and ask again."));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RegionDesk>> RegionDesk::Start(EventLoop& loop,
                                                              DescriptorStore& store,
                                                              const DaemonOptions& options) {
  std::unique_ptr<RegionDesk> desk(new RegionDesk(loop, store, options.runtime_dir));
  if (absl::Status begun = desk->Begin(options); !begun.ok()) return begun;
  return desk;
}

RegionDesk::RegionDesk(EventLoop& loop, DescriptorStore& store, std::string runtime_dir)
    : place_{.loop = loop, .store = store, .runtime_dir = std::move(runtime_dir), .board = board_},
      errands_(loop, absl::UnavailableError("tombolod is stopping.")) {}

absl::Status RegionDesk::Begin(const DaemonOptions& options) {
  NamedDescriptors kept = place_.store.Take();
  const bool is_first = !HasParts(kept);
  std::map<std::string, NamedDescriptors> scopes = TakeScopes(kept, FurtherRegion::kScope);
  first_store_ = std::make_unique<ScopedStore>(place_.store, "", std::move(kept));
  absl::StatusOr<std::unique_ptr<Daemon>> first =
      Daemon::Start(place_.loop, *first_store_, options, this, &board_);
  if (!first.ok()) return first.status();
  first_ = *std::move(first);
  Resume(std::move(scopes));
  absl::Status begun = MakeMissing(options.regions, is_first);
  if (!begun.ok() && is_first) {
    End();
    GiveUpParts(*first_store_);
  }
  return begun;
}

void RegionDesk::Resume(std::map<std::string, NamedDescriptors> scopes) {
  for (auto& [name, descriptors] : scopes) {
    absl::StatusOr<std::unique_ptr<FurtherRegion>> region =
        FurtherRegion::Resume(place_, name, std::move(descriptors));
    if (!region.ok()) {
      LeaveUnserved(name, region.status());
    } else if (*region != nullptr) {
      further_[name] = *std::move(region);
    }
  }
}

// Machines and processes of the other regions are not to wait for it. What the store has of it
// stays there: only an end of the program gives that up.
void RegionDesk::LeaveUnserved(const std::string& name, const absl::Status& why) {
  spdlog::error(
      "region {} of the tombolod before this one cannot be gone on with, and is not served: {}",
      name, std::string(why.message()));
  board_.PutProblem(name, std::string(why.message()));
  unserved_[name] = why;
}

// Those whom a predecessor has served are worth more than a region that cannot be made just now.
absl::Status RegionDesk::MakeMissing(const std::vector<std::string>& words, bool is_first) {
  for (const std::string& word : words) {
    const absl::StatusOr<WantedRegion> wanted = ParseRegionWord(word);
    if (!wanted.ok()) return wanted.status();
    if (further_.contains(wanted->name) || unserved_.contains(wanted->name)) continue;
    const absl::Status made = Create(*wanted).status();
    if (made.ok()) continue;
    if (is_first) {
      return absl::Status(made.code(), absl::StrCat("--region ", word, ": ", made.message()));
    }
    spdlog::error("there is no region {} until the next start: {}", wanted->name,
                  std::string(made.message()));
  }
  return absl::OkStatus();
}

void RegionDesk::End() {
  for (auto& [name, region] : further_) region->End();
  further_.clear();
  for (const auto& [name, why] : unserved_) {
    RemoveRegionFolder(absl::StrCat(place_.runtime_dir, "/", name));
  }
  first_->RemoveSocketFiles();
}

void RegionDesk::ListRegions(ListDone done) {
  errands_.Run([this, done = std::move(done)](const absl::Status& status) {
    if (!status.ok()) return done(status);
    done(List());
  });
}

void RegionDesk::DescribeRegion(std::string name, RegionDone done) {
  errands_.Run([this, name = std::move(name), done = std::move(done)](const absl::Status& status) {
    done(status.ok() ? Describe(name) : status);
  });
}

void RegionDesk::CreateRegion(WantedRegion wanted, RegionDone done) {
  errands_.Run([this, wanted = std::move(wanted), done = std::move(done)](
                   const absl::Status& status) { done(status.ok() ? Create(wanted) : status); });
}

void RegionDesk::ResizeRegion(std::string name, WantedLimits wanted, RegionDone done) {
  errands_.Run(
      [this, name = std::move(name), wanted, done = std::move(done)](const absl::Status& status) {
        done(status.ok() ? Resize(name, wanted) : status);
      });
}

void RegionDesk::DeleteRegion(std::string name, DeleteDone done) {
  errands_.Run([this, name = std::move(name), done = std::move(done)](const absl::Status& status) {
    done(status.ok() ? Delete(name) : status);
  });
}

std::vector<ServedRegion> RegionDesk::List() const {
  std::vector<ServedRegion> regions = {LookAtFirst(false)};
  for (const auto& [name, region] : further_) regions.push_back(region->Look(false));
  for (const auto& [name, why] : unserved_) regions.push_back(LookAtUnserved(name, why));
  return regions;
}

absl::StatusOr<ServedRegion> RegionDesk::Describe(const std::string& name) const {
  if (name == kFirstRegionName) return LookAtFirst(true);
  if (const auto found = further_.find(name); found != further_.end()) {
    return found->second->Look(true);
  }
  const auto unserved = unserved_.find(name);
  return unserved != unserved_.end()
             ? absl::StatusOr<ServedRegion>(LookAtUnserved(name, unserved->second))
             : NotFound(name);
}

absl::StatusOr<ServedRegion> RegionDesk::Create(const WantedRegion& wanted) {
  if (wanted.name == kFirstRegionName || further_.contains(wanted.name) ||
      unserved_.contains(wanted.name)) {
    return absl::AlreadyExistsError(absl::StrCat("there is a region ", wanted.name, " already."));
  }
  if (absl::Status good = CheckRegionName(wanted.name); !good.ok()) return good;
  const absl::StatusOr<RegionLimits> limits = CompleteLimits(wanted.limits, RegionLimits());
  if (!limits.ok()) return limits.status();
  if (absl::Status room = CheckRoom(*limits, nullptr); !room.ok()) return room;
  absl::StatusOr<std::unique_ptr<FurtherRegion>> made = FurtherRegion::Create(
      place_, wanted.name,
      {.limits = *limits, .huge_pages = wanted.huge_pages, .group = wanted.group});
  if (!made.ok()) return made.status();
  const FurtherRegion& region = *(further_[wanted.name] = *std::move(made));
  return region.Look(true);
}

absl::StatusOr<ServedRegion> RegionDesk::Resize(const std::string& name,
                                                const WantedLimits& wanted) {
  const absl::StatusOr<FurtherRegion*> region = FindFurther(name);
  if (!region.ok()) return region.status();
  const RegionLimits former = (*region)->Limits();
  const absl::StatusOr<RegionLimits> limits = CompleteLimits(wanted, former);
  if (!limits.ok()) return limits.status();
  if (AreSame(*limits, former)) return (*region)->Look(true);
  if (absl::Status empty = CheckEmpty((*region)->Look(false)); !empty.ok()) return empty;
  if (absl::Status room = CheckRoom(*limits, &former); !room.ok()) return room;
  const absl::Status resized = (*region)->Resize(*limits);
  if (!(*region)->IsServed()) further_.erase(name);
  if (!resized.ok()) return resized;
  spdlog::warn("region {}: made anew by an administrator", name);
  return (*region)->Look(true);
}

absl::Status RegionDesk::Delete(const std::string& name) {
  const absl::StatusOr<FurtherRegion*> region = FindFurther(name);
  if (!region.ok()) return region.status();
  if (absl::Status empty = CheckEmpty((*region)->Look(false)); !empty.ok()) return empty;
  (*region)->End();
  further_.erase(name);
  spdlog::warn("region {}: deleted by an administrator", name);
  return absl::OkStatus();
}

ServedRegion RegionDesk::LookAtFirst(bool with_check) const {
  ServedRegion region = first_->Look(with_check);
  region.name = kFirstRegionName;
  region.group = GroupOf(region.folder + "/control.sock");
  return region;
}

ServedRegion RegionDesk::LookAtUnserved(const std::string& name, const absl::Status& why) const {
  ServedRegion region;
  region.name = name;
  region.folder = absl::StrCat(place_.runtime_dir, "/", name);
  region.problem = std::string(why.message());
  return region;
}

absl::StatusOr<FurtherRegion*> RegionDesk::FindFurther(const std::string& name) const {
  if (name == kFirstRegionName) {
    return absl::FailedPreconditionError(
        "the first region is what tombolod's flags say; change them, and stop and start tombolod.");
  }
  if (const auto found = further_.find(name); found != further_.end()) return found->second.get();
  const auto unserved = unserved_.find(name);
  if (unserved == unserved_.end()) return NotFound(name);
  return absl::FailedPreconditionError(absl::StrCat(
      "region ", name,
      " of the tombolod before this one cannot be gone on with: ", unserved->second.message(),
      " Replace this tombolod by one that can, or stop it, which gives "
      "up all regions."));
}

absl::Status RegionDesk::NotFound(const std::string& name) const {
  constexpr size_t kShown = 40;
  std::string text = absl::StrCat("there is no region \"", absl::CHexEscape(name.substr(0, kShown)),
                                  "\"; there are: ", kFirstRegionName);
  for (const auto& [other, region] : further_) absl::StrAppend(&text, ", ", other);
  for (const auto& [other, why] : unserved_) absl::StrAppend(&text, ", ", other);
  return absl::NotFoundError(absl::StrCat(text, "."));
}

// Of places and descriptors; memory is looked at when it is taken.
absl::Status RegionDesk::CheckRoom(const RegionLimits& added, const RegionLimits* removed) const {
  if (removed == nullptr && 1 + further_.size() + unserved_.size() >= kMostRegions) {
    return absl::ResourceExhaustedError(
        absl::StrCat("there are ", kMostRegions,
                     " regions, which is all that one tombolod serves; "
                     "delete one, or start another tombolod with another --runtime-dir."));
  }
  uint64_t needed = NeededDescriptors(first_->Limits()) + NeededDescriptors(added);
  for (const auto& [name, region] : further_) needed += NeededDescriptors(region->Limits());
  if (removed != nullptr) needed -= NeededDescriptors(*removed);
  return RaiseDescriptorLimit(needed);
}

}  // namespace tombolo::control
