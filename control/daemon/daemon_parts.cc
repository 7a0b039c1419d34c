#include "control/daemon/daemon_parts.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "control/daemon/descriptor_limit.h"
#include "control/daemon/kept_state.h"
#include "control/registry/registry.h"
#include "spdlog/spdlog.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {
namespace {

constexpr char kFolderName[] = "daemon/folder";
constexpr char kRegionName[] = "daemon/region";
constexpr char kStateName[] = "daemon/state";

std::string DoorbellName(uint32_t slot, uint32_t vector) {
  return absl::StrCat("doorbell/", slot, ".", vector);
}

absl::Status StoreDoorbells(const DoorbellTable& doorbells, DescriptorStore& store) {
  for (uint32_t slot = 0; slot < doorbells.SlotCount(); ++slot) {
    for (uint32_t vector = 0; vector < doorbells.VectorCount(); ++vector) {
      absl::Status stored = store.Store(DoorbellName(slot, vector), doorbells.Fd(slot, vector));
      if (!stored.ok()) return stored;
    }
  }
  return absl::OkStatus();
}

absl::Status StoreParts(const DaemonParts& parts, DescriptorStore& store) {
  absl::Status stored = store.Store(kFolderName, parts.runtime_dir.Fd());
  if (stored.ok()) stored = store.Store(kRegionName, parts.region.MemoryFd());
  if (stored.ok()) stored = StoreDoorbells(parts.doorbells, store);
  return stored.ok() ? store.Store(kStateName, parts.state_memory.Fd()) : stored;
}

// The memory for the state of a new region, with its first state.
absl::StatusOr<StateMemory> MakeStateMemory(const Region& region, const RegistryState& state) {
  absl::StatusOr<StateMemory> memory = StateMemory::Create(MostStateBytes(region.Limits()));
  if (memory.ok()) memory->Save(ToBytes({region.Limits(), region.Uuid(), state}));
  return memory;
}

// Of what cannot be gone on with.
absl::Status CannotGoOn(const absl::Status& why) {
  return absl::FailedPreconditionError(absl::StrCat(
      "cannot go on with the region of the tombolod before this one: ", why.message(),
      " End this tombolod (SIGTERM, or systemctl stop) and start it anew, and then the machines "
      "and processes of the region."));
}

absl::StatusOr<UniqueFd> TakePart(NamedDescriptors& inherited, const std::string& name) {
  UniqueFd fd = TakeOut(inherited, name);
  if (fd.IsOpen()) return fd;
  return absl::FailedPreconditionError(
      absl::StrCat("its store has no ", name, "; under systemd, raise FileDescriptorStoreMax=."));
}

absl::StatusOr<DoorbellTable> TakeDoorbells(const RegionLimits& limits,
                                            NamedDescriptors& inherited) {
  std::vector<UniqueFd> fds;
  for (uint32_t slot = 0; slot < limits.slot_count; ++slot) {
    for (uint32_t vector = 0; vector < limits.vector_count; ++vector) {
      absl::StatusOr<UniqueFd> fd = TakePart(inherited, DoorbellName(slot, vector));
      if (!fd.ok()) return fd.status();
      fds.push_back(*std::move(fd));
    }
  }
  return DoorbellTable::Adopt(limits.slot_count, limits.vector_count, std::move(fds));
}

struct TakenState {
  StateMemory memory;
  KeptState state;
};

absl::StatusOr<TakenState> TakeState(NamedDescriptors& inherited) {
  absl::StatusOr<UniqueFd> fd = TakePart(inherited, kStateName);
  if (!fd.ok()) return fd.status();
  absl::StatusOr<StateMemory> memory = StateMemory::Adopt(*std::move(fd));
  if (!memory.ok()) return memory.status();
  const absl::StatusOr<std::vector<std::byte>> bytes = memory->Load();
  if (!bytes.ok()) return bytes.status();
  absl::StatusOr<KeptState> state = ParseKeptState(*bytes);
  if (!state.ok()) return state.status();
  if (memory->MostBytes() < MostStateBytes(state->limits)) {
    return absl::FailedPreconditionError(absl::StrCat("its memory holds states of ",
                                                      memory->MostBytes(), " bytes; expected ",
                                                      MostStateBytes(state->limits), "."));
  }
  return TakenState{*std::move(memory), *std::move(state)};
}

void WarnOfOtherLimits(const RegionLimits& wanted, const RegionLimits& kept) {
  if (wanted.region_bytes == kept.region_bytes && wanted.slot_count == kept.slot_count &&
      wanted.vector_count == kept.vector_count && wanted.endpoint_count == kept.endpoint_count) {
    return;
  }
  spdlog::warn(
      "this tombolod goes on with a region of {} bytes, {} slots, {} vectors and {} endpoints; "
      "other numbers take effect when it was stopped, and its machines with it.",
      kept.region_bytes, kept.slot_count, kept.vector_count, kept.endpoint_count);
}

absl::StatusOr<DaemonParts> TakeAll(const DaemonOptions& options, NamedDescriptors& inherited) {
  absl::StatusOr<TakenState> taken = TakeState(inherited);
  if (!taken.ok()) return taken.status();
  const RegionLimits& limits = taken->state.limits;
  if (auto status = RaiseDescriptorLimit(NeededDescriptors(limits)); !status.ok()) return status;
  absl::StatusOr<UniqueFd> folder = TakePart(inherited, kFolderName);
  if (!folder.ok()) return folder.status();
  absl::StatusOr<UniqueFd> memory = TakePart(inherited, kRegionName);
  if (!memory.ok()) return memory.status();
  absl::StatusOr<HostRegion> region =
      HostRegion::Adopt(*std::move(memory), limits, taken->state.uuid);
  if (!region.ok()) return region.status();
  absl::StatusOr<DoorbellTable> doorbells = TakeDoorbells(limits, inherited);
  if (!doorbells.ok()) return doorbells.status();
  absl::StatusOr<RuntimeDir> runtime_dir =
      RuntimeDir::Adopt(options.runtime_dir, *std::move(folder));
  if (!runtime_dir.ok()) return runtime_dir.status();
  WarnOfOtherLimits(options.limits, limits);
  return DaemonParts{.runtime_dir = *std::move(runtime_dir),
                     .region = *std::move(region),
                     .doorbells = *std::move(doorbells),
                     .state_memory = std::move(taken->memory),
                     .state = std::move(taken->state.registry)};
}

}  // namespace

bool HasParts(const NamedDescriptors& inherited) { return inherited.contains(kStateName); }

absl::StatusOr<DaemonParts> MakeParts(const DaemonOptions& options, DescriptorStore& store) {
  const RegionLimits& limits = options.limits;
  // Bad flags are told before anything is touched.
  if (auto geometry = ComputeGeometry(limits); !geometry.ok()) return geometry.status();
  absl::StatusOr<RuntimeDir> runtime_dir = RuntimeDir::Claim(options.runtime_dir);
  if (!runtime_dir.ok()) return runtime_dir.status();
  if (auto status = RaiseDescriptorLimit(NeededDescriptors(limits)); !status.ok()) return status;
  absl::StatusOr<DoorbellTable> doorbells =
      DoorbellTable::Create(limits.slot_count, limits.vector_count);
  if (!doorbells.ok()) return doorbells.status();
  absl::StatusOr<HostRegion> region =
      HostRegion::Create(limits, options.huge_pages ? PageSize::kHuge : PageSize::kNormal);
  if (!region.ok()) return region.status();
  RegistryState state = Registry(RegistryLimitsFor(limits)).State();
  absl::StatusOr<StateMemory> state_memory = MakeStateMemory(region->View(), state);
  if (!state_memory.ok()) return state_memory.status();
  DaemonParts parts{.runtime_dir = *std::move(runtime_dir),
                    .region = *std::move(region),
                    .doorbells = *std::move(doorbells),
                    .state_memory = *std::move(state_memory),
                    .state = std::move(state)};
  if (auto status = StoreParts(parts, store); !status.ok()) return status;
  return parts;
}

void GiveUpParts(DescriptorStore& store) { store.Remove(kStateName).IgnoreError(); }

absl::StatusOr<DaemonParts> TakeParts(const DaemonOptions& options, NamedDescriptors& inherited) {
  absl::StatusOr<DaemonParts> parts = TakeAll(options, inherited);
  return parts.ok() ? std::move(parts) : CannotGoOn(parts.status());
}

}  // namespace tombolo::control
