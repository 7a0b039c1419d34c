// Members: who is in a network over the region, by address and by endpoint, as the member table
// tells (member_name.h).
//
// The table is the daemon's word: a slot is what the daemon says it is, and a process can only name
// itself, so nobody gets an address of another slot. Of two members of a slot with the same number
// the one with the lower index counts. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "control/net/subnet.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/endpoint/membership_view.h"
#include "transport/region/region.h"

namespace tombolo::control {

struct Member {
  EndpointId id;
  uint16_t slot = 0;
  uint32_t address = 0;

  friend constexpr bool operator==(const Member&, const Member&) = default;
};

// What an endpoint's record says of its membership in any network, `subnet` being that one's;
// nothing when it is a member of none.
std::optional<Member> MemberOf(const EndpointInfo& info, Subnet& subnet);

class Members {
 public:
  Members(const Region& region, const Subnet& subnet) : region_(region), subnet_(subnet) {}

  const Subnet& Network() const { return subnet_; }

  struct Change {
    Member member;
    bool joined = false;  // Or left.
  };

  // Whether the table is newer than what the last Refresh() saw.
  bool IsOld() const;

  // Looks at the table again, and tells what is new; leaves come first.
  std::vector<Change> Refresh();

  // As of the last Refresh().
  std::optional<Member> At(uint32_t address) const;
  const std::map<uint32_t, Member>& All() const { return by_address_; }

  // The address of `id`; one that joined since the last Refresh() is looked up by itself. Nothing:
  // it is no member, or its address is another one's.
  std::optional<uint32_t> AddressOf(EndpointId id) const;

 private:
  std::map<uint32_t, Member> Scan() const;

  Region region_;
  const Subnet subnet_;
  std::optional<uint64_t> epoch_;  // Of the table, when last looked.
  std::map<uint32_t, Member> by_address_;
  std::unordered_map<uint32_t, Member> by_index_;
};

}  // namespace tombolo::control
