// Which files an agent lets others copy, from its command line.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "control/agent/agent_flags.h"
#include "control/copy/copy_server.h"

namespace tombolo::control {

// What --allow says, and the service of --allow-copy if that names a folder. Without one others are
// refused as for any service that is not allowed.
std::vector<std::string> AllowedServices(const AgentFlags& flags);

// Serves what --allow-copy names; nullptr when it names nothing. Errors as CopyServer::Start.
absl::StatusOr<std::unique_ptr<CopyServer>> StartCopies(const AgentFlags& flags);

}  // namespace tombolo::control
