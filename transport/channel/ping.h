// Ping: round trips to the agent of a slot through the region.
//
// The agent's loop answers while it is awake, else its doorbell wakes it: the first of several
// pings shows the way through the doorbell, the later ones that of polling.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "transport/base/units.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo {

// The endpoint name of each peer's agent.
inline constexpr char kAgentEndpointName[] = "agent";

struct PingOptions {
  uint16_t slot = 0;
  size_t count = 10;
  size_t payload_bytes = 64;              // At least 8, at most kMaxInlineBytes.
  int64_t timeout_ns = 1 * kNsPerSecond;  // Of each; one that is later counts as lost.
};

struct PingResult {
  EndpointId agent;
  size_t sent = 0;
  std::vector<int64_t> round_trips_ns;  // Of those that were answered, in the order of sending.

  // Of round_trips_ns, which must not be empty.
  int64_t MinNs() const;
  int64_t MedianNs() const;
  int64_t MaxNs() const;
};

// Pings from `endpoint`, which nobody else uses meanwhile. NotFound: the slot has no agent.
// Unavailable: the agent went away. DeadlineExceeded: it answered none. InvalidArgument: an option
// is out of range.
absl::StatusOr<PingResult> Ping(Endpoint& endpoint, const PingOptions& options);

// The same from an endpoint that is attached through the broker at `broker_socket` and detached
// again.
absl::StatusOr<PingResult> Ping(const std::string& broker_socket, const PingOptions& options);

}  // namespace tombolo
