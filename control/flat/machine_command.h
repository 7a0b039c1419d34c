// The command that starts a machine: which of its words stand for what only is known once there is
// a slot, and how it becomes this process.
//
//   {slot}     its slot
//   {bytes}    the region's size
//   {region}   a path at which the machine opens the region's memory
//   {socket}   a descriptor from which an ivshmem-flat device takes its handshake
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/flat/slot_connection.h"

namespace tombolo::control {

// `words` with all that is filled in, and the descriptors that are named there, and the
// connection's own socket, open in the next program. Errors as SlotConnection::Repeat().
absl::StatusOr<std::vector<std::string>> FillIn(const std::vector<std::string>& words,
                                                const SlotConnection& connection);

// Replaces this process by the command. Returns only with what went wrong.
absl::Status Execute(const std::vector<std::string>& words);

}  // namespace tombolo::control
