// The way to the agent that serves `tombolo cp`, and what its failures mean.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/cli/cli_context.h"
#include "control/tunnel/service_socket.h"

namespace tombolo::control {

// Each copy, folder and listing has a connection of its own.
absl::StatusOr<std::unique_ptr<ServiceSocket>> ConnectForCopy(const CliContext& context,
                                                              uint16_t slot);

// What went wrong, for people. `ended`: why the stream ended, if it did.
absl::Status ExplainCopy(uint16_t slot, const absl::Status& status, const absl::Status& ended);

}  // namespace tombolo::control
