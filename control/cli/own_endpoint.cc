#include "control/cli/own_endpoint.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "control/tunnel/agent_name.h"
#include "transport/endpoint/membership_view.h"

namespace tombolo::control {
absl::StatusOr<std::unique_ptr<Endpoint>> AttachAs(const CliContext& context,
                                                   std::string_view name) {
  absl::StatusOr<std::unique_ptr<Endpoint>> endpoint =
      Endpoint::Attach(context.runtime_dir + "/broker.sock", name);
  if (absl::IsNotFound(endpoint.status())) {
    return absl::UnavailableError(endpoint.status().message());
  }
  return endpoint;
}

absl::StatusOr<EndpointId> FindAgent(const Endpoint& endpoint, uint16_t slot) {
  const uint32_t slots = endpoint.SharedRegion().Limits().slot_count;
  if (slot >= slots) {
    return absl::InvalidArgumentError(absl::StrCat(
        "there is no slot ", slot, ": this region's are 0 (the host) to ", slots - 1, "."));
  }
  const auto agent = FindEndpoint(endpoint.SharedRegion(), slot, kAgentName);
  if (agent) return agent->id;
  return absl::NotFoundError(absl::StrCat("slot ", slot,
                                          " has no agent: start tombolo-agent there (on the host, "
                                          "which is slot 0, with --host). `tombolo peers` shows "
                                          "who is where."));
}

}  // namespace tombolo::control
