// EndpointId: one occupation of one index of the endpoint table. An index is used again after its
// holder died; the incarnation tells the two apart, so every handle carries both.
#pragma once

#include <compare>
#include <cstdint>

namespace tombolo {

struct EndpointId {
  uint32_t index = 0;
  uint32_t incarnation = 0;  // From 1; 0 names nobody.

  friend constexpr auto operator<=>(EndpointId, EndpointId) = default;
};

}  // namespace tombolo
