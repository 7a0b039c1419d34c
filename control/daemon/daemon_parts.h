// DaemonParts: what a daemon works on and what outlives it: its claim on the runtime folder, the
// region, the doorbells of all slots, and the memory with its state. All are in the DescriptorStore
// by the names
//
//   daemon/folder   daemon/region   doorbell/SLOT.VECTOR   daemon/state
//
// and beside them daemon/draining, while newcomers are kept out (daemon.cc).
//
// The state is stored last: where it is found, all of them are, and a daemon goes on with them.
// Without it nobody has been given anything yet, and a daemon makes them.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/daemon/daemon_options.h"
#include "control/daemon/host_region.h"
#include "control/daemon/runtime_dir.h"
#include "control/daemon/state_memory.h"
#include "control/doorbells/doorbell_table.h"
#include "control/holder/descriptor_store.h"
#include "control/registry/registry_state.h"

namespace tombolo::control {

struct DaemonParts {
  RuntimeDir runtime_dir;
  HostRegion region;
  DoorbellTable doorbells;
  StateMemory state_memory;
  RegistryState state;  // As it was saved last.
};

// Whether `inherited` (what DescriptorStore::Take() gave) has the parts of a former daemon.
bool HasParts(const NamedDescriptors& inherited);

// New ones, as `options` say. Errors are those of ComputeGeometry, RuntimeDir,
// RaiseDescriptorLimit, DoorbellTable, HostRegion and the store.
absl::StatusOr<DaemonParts> MakeParts(const DaemonOptions& options, DescriptorStore& store);

// For whoever fails before it has served anybody: the next daemon makes new parts.
void GiveUpParts(DescriptorStore& store);

// Those of a former daemon, taken out of `inherited`. Nothing in them is believed but that they are
// its own. FailedPrecondition says what is wrong with them.
absl::StatusOr<DaemonParts> TakeParts(const DaemonOptions& options, NamedDescriptors& inherited);

}  // namespace tombolo::control
