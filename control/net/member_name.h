// The names by which the members of a network find each other in the member table:
//
//   net-10.77.0.0/16-1
//
// The subnet, so that several networks in one region do not mix, and the member's number within its
// slot. The slot stands in the table already; the three make the address.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/net/subnet.h"

namespace tombolo::control {

struct MemberName {
  Subnet subnet;
  uint32_t number = 1;

  std::string ToString() const;
};

// Nothing when it is the name of no member. Names of guests may be anything.
std::optional<MemberName> ParseMemberName(std::string_view name);

}  // namespace tombolo::control
