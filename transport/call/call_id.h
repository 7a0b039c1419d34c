// CallId: one call between two endpoints, as either of them names it.
#pragma once

#include <compare>
#include <cstdint>

#include "transport/endpoint/endpoint_id.h"

namespace tombolo {

struct CallId {
  EndpointId peer;  // The other side: for the caller the callee, for the callee the caller.
  uint32_t slot = 0;
  uint32_t sequence = 0;  // From 1.

  friend constexpr auto operator<=>(const CallId&, const CallId&) = default;
};

}  // namespace tombolo
