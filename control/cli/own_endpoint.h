// How the commands that talk through the region take part in it themselves.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "control/cli/cli_context.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {

// Attaches through the broker of this machine. A missing broker is told as a daemon that is not
// running (Unavailable); other errors are those of Endpoint::Attach.
absl::StatusOr<std::unique_ptr<Endpoint>> AttachAs(const CliContext& context,
                                                   std::string_view name);

// The agent of `slot`. InvalidArgument: there is no such slot; NotFound: it has no agent now.
absl::StatusOr<EndpointId> FindAgent(const Endpoint& endpoint, uint16_t slot);

}  // namespace tombolo::control
