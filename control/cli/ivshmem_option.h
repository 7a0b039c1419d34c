// The options --ivshmem-server and --ivshmem-device, which have a command take part in ivshmem
// memory where there is no Tombolo: no tombolod, no agent, no region in the memory.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "control/ivshmem_peer/device_peer.h"
#include "control/ivshmem_peer/ivshmem_peer.h"

namespace tombolo::control {

struct IvshmemFlags {
  std::string server;
  std::string device;

  bool IsChosen() const { return !server.empty() || !device.empty(); }
};

// `flags` must outlive `command`.
void AddIvshmemOptions(CLI::App& command, IvshmemFlags& flags);

// As the peer that is chosen. Errors are those of ServerPeer and OpenDevicePeer().
absl::StatusOr<std::unique_ptr<IvshmemPeer>> JoinIvshmem(
    const IvshmemFlags& flags, Interrupts interrupts = Interrupts::kNotNeeded);

}  // namespace tombolo::control
