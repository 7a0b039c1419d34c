#include "control/net/members.h"

#include <utility>

#include "control/net/member_name.h"

namespace tombolo::control {

std::optional<Member> MemberOf(const EndpointInfo& info, Subnet& subnet) {
  const std::optional<MemberName> name = ParseMemberName(info.name);
  if (!name) return std::nullopt;
  const std::optional<uint32_t> address = MemberAddress(name->subnet, info.slot, name->number);
  if (!address) return std::nullopt;
  subnet = name->subnet;
  return Member{.id = info.id, .slot = info.slot, .address = *address};
}

std::map<uint32_t, Member> Members::Scan() const {
  std::map<uint32_t, Member> found;
  for (const EndpointInfo& info : LiveEndpoints(region_)) {
    Subnet subnet;
    const std::optional<Member> member = MemberOf(info, subnet);
    if (member && subnet == subnet_) found.emplace(member->address, *member);
  }
  return found;
}

bool Members::IsOld() const {
  // Relaxed: it decides nothing but whether Refresh() is worth while.
  return epoch_ != region_.MembershipEpoch().load(std::memory_order_relaxed);
}

std::vector<Members::Change> Members::Refresh() {
  // Acquire: pairs with the daemon's release; the table is at least as new. What changes during the
  // scan moves the epoch again, and is seen the next time.
  epoch_ = region_.MembershipEpoch().load(std::memory_order_acquire);
  const std::map<uint32_t, Member> before = std::exchange(by_address_, Scan());
  by_index_.clear();
  for (const auto& [address, member] : by_address_) by_index_.emplace(member.id.index, member);
  std::vector<Change> changes;
  for (const auto& [address, member] : before) {
    if (At(address) != member) changes.push_back({member, false});
  }
  for (const auto& [address, member] : by_address_) {
    const auto old = before.find(address);
    if (old == before.end() || old->second != member) changes.push_back({member, true});
  }
  return changes;
}

std::optional<Member> Members::At(uint32_t address) const {
  const auto found = by_address_.find(address);
  return found == by_address_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<uint32_t> Members::AddressOf(EndpointId id) const {
  const auto found = by_index_.find(id.index);
  if (found != by_index_.end() && found->second.id == id) return found->second.address;
  const std::optional<EndpointInfo> info = ReadEndpoint(region_, id.index);
  Subnet subnet;
  const std::optional<Member> member = info ? MemberOf(*info, subnet) : std::nullopt;
  if (!member || member->id != id || subnet != subnet_) return std::nullopt;
  const std::optional<Member> holder = At(member->address);
  if (holder && holder->id != id && IsLive(region_, holder->id)) return std::nullopt;
  return member->address;
}

}  // namespace tombolo::control
