// What the commands that describe a slot's device to QEMU and libvirt ask the daemon.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "control/cli/cli_context.h"
#include "control/cli/vm_args.h"

namespace tombolo::control {

struct VmSlot {
  VmDevice device;
  uint32_t slots = 0;    // Of the region, slot 0 included.
  std::string occupied;  // A sentence when somebody has the slot now; else empty.
};

// No `slot`: the socket that gives the lowest vacant one. InvalidArgument: that slot is not for
// VMs; else as ControlClient.
absl::StatusOr<VmSlot> AskForSlot(const CliContext& context, std::optional<uint32_t> slot);

// To stderr, as comments, so that what stands on stdout remains usable. `vm_slot.occupied` is one
// of them.
void PrintRemarks(const VmSlot& vm_slot, const std::vector<std::string>& remarks);

}  // namespace tombolo::control
