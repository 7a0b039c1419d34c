#include "control/daemon/further_region.h"

#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "control/daemon/daemon_options.h"
#include "control/daemon/daemon_parts.h"
#include "control/daemon/region_folder.h"
#include "spdlog/spdlog.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {
namespace {

constexpr char kSpecName[] = "spec";

std::string FolderOf(const FurtherRegion::Place& place, const std::string& name) {
  return absl::StrCat(place.runtime_dir, "/", name);
}

std::string PrefixOf(const std::string& name) {
  return absl::StrCat(FurtherRegion::kScope, name, "/");
}

struct KeptSpec {
  StateMemory memory;
  RegionSpec spec;
};

absl::StatusOr<KeptSpec> ReadSpec(UniqueFd fd) {
  absl::StatusOr<StateMemory> memory = StateMemory::Adopt(std::move(fd));
  if (!memory.ok()) return memory.status();
  const absl::StatusOr<std::vector<std::byte>> bytes = memory->Load();
  if (!bytes.ok()) return bytes.status();
  absl::StatusOr<RegionSpec> spec = ParseRegionSpec(*bytes);
  if (!spec.ok()) return spec.status();
  return KeptSpec{*std::move(memory), *std::move(spec)};
}

}  // namespace

FurtherRegion::FurtherRegion(const Place& place, const std::string& name, NamedDescriptors kept,
                             StateMemory memory, const RegionSpec& spec)
    : loop_(place.loop),
      board_(place.board),
      name_(name),
      folder_(FolderOf(place, name)),
      store_(place.store, PrefixOf(name), std::move(kept)),
      memory_(std::move(memory)),
      spec_(spec) {}

absl::StatusOr<std::unique_ptr<FurtherRegion>> FurtherRegion::Create(const Place& place,
                                                                     const std::string& name,
                                                                     const RegionSpec& spec) {
  const absl::StatusOr<std::optional<gid_t>> group = FindGroup(spec.group);
  if (!group.ok()) return group.status();
  absl::StatusOr<StateMemory> memory = StateMemory::Create(kMostSpecBytes);
  if (!memory.ok()) return memory.status();
  std::unique_ptr<FurtherRegion> region(
      new FurtherRegion(place, name, {}, *std::move(memory), spec));
  region->Save(spec);
  absl::Status begun = MakeRegionFolder(region->folder_, *group);
  if (begun.ok()) begun = region->store_.Store(kSpecName, region->memory_.Fd());
  if (begun.ok()) begun = region->Serve();
  if (begun.ok()) begun = region->ShareSockets();
  if (begun.ok()) return region;
  region->End();
  return begun;
}

absl::StatusOr<std::unique_ptr<FurtherRegion>> FurtherRegion::Resume(const Place& place,
                                                                     const std::string& name,
                                                                     NamedDescriptors kept) {
  UniqueFd spec_fd = TakeOut(kept, kSpecName);
  const bool was_served = HasParts(kept);
  if (!spec_fd.IsOpen()) {
    ScopedStore(place.store, PrefixOf(name), std::move(kept)).RemoveAllBut("");
    RemoveRegionFolder(FolderOf(place, name));
    return nullptr;
  }
  absl::StatusOr<KeptSpec> read = ReadSpec(std::move(spec_fd));
  if (!read.ok()) return read.status();
  std::unique_ptr<FurtherRegion> region(
      new FurtherRegion(place, name, std::move(kept), std::move(read->memory), read->spec));
  if (absl::Status begun = region->Serve(); !begun.ok()) {
    if (was_served) return begun;
    spdlog::error("region {} had not been made yet, and is given up: {}", name,
                  std::string(begun.message()));
    region->End();
    return nullptr;
  }
  region->ShareSocketsOrSay();
  return region;
}

absl::Status FurtherRegion::Serve() {
  DaemonOptions options;
  options.runtime_dir = folder_;
  options.limits = spec_.limits;
  options.huge_pages = spec_.huge_pages;
  absl::StatusOr<std::unique_ptr<Daemon>> daemon = Daemon::Start(loop_, store_, options);
  if (!daemon.ok()) return daemon.status();
  daemon_ = *std::move(daemon);
  board_.Put(name_, daemon_->View());
  owns_folder_ = true;
  // A predecessor may have been killed when it was about to make it anew.
  RegionSpec spec = spec_;
  spec.limits = daemon_->Limits();
  Save(spec);
  spdlog::info("{}: {}", name_, daemon_->Describe());
  return absl::OkStatus();
}

// Some of them are made anew by each Daemon.
absl::Status FurtherRegion::ShareSockets() const {
  const absl::StatusOr<std::optional<gid_t>> group = FindGroup(spec_.group);
  return group.ok() ? GiveSocketsTo(folder_, *group) : group.status();
}

// Those who are there already are worth more than those who cannot come.
void FurtherRegion::ShareSocketsOrSay() const {
  if (const absl::Status shared = ShareSockets(); !shared.ok()) {
    spdlog::error("the sockets of region {} are not of group '{}': {}", name_, spec_.group,
                  std::string(shared.message()));
  }
}

void FurtherRegion::Save(const RegionSpec& spec) {
  spec_ = spec;
  memory_.Save(ToBytes(spec_));
}

// Its state first: without that nobody goes on with the rest.
void FurtherRegion::StopServing() {
  board_.Remove(name_);
  if (daemon_) daemon_->RemoveSocketFiles();
  daemon_.reset();
  GiveUpParts(store_);
  store_.RemoveAllBut(kSpecName);
}

absl::Status FurtherRegion::Resize(const RegionLimits& limits) {
  const RegionSpec former = spec_;
  RegionSpec wanted = spec_;
  wanted.limits = limits;
  Save(wanted);
  StopServing();
  absl::Status resized = Serve();
  if (!resized.ok()) {
    Save(former);
    resized = Restored(resized, Serve());
  }
  if (IsServed()) ShareSocketsOrSay();
  return resized;
}

absl::Status FurtherRegion::Restored(const absl::Status& why, const absl::Status& restored) {
  if (restored.ok()) return why;
  End();
  return absl::Status(
      why.code(),
      absl::StrCat(why.message(), " Nor could the region be made again as it was, so there is no ",
                   name_, " any more: ", restored.message()));
}

void FurtherRegion::End() {
  store_.Remove(kSpecName).IgnoreError();
  StopServing();
  if (owns_folder_) {
    RemoveRegionFolder(folder_);
  } else {
    rmdir(folder_.c_str());  // If nobody has anything there.
  }
}

ServedRegion FurtherRegion::Look(bool with_check) const {
  ServedRegion region = daemon_->Look(with_check);
  region.name = name_;
  region.group = GroupOf(region.folder + "/control.sock");
  return region;
}

}  // namespace tombolo::control
