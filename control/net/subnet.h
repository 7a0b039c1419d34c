// Subnet: the addresses of one network over the region, and whose each of them is.
//
//   10.77.0.0/16    10.77.SLOT.NUMBER
//
// The slot is the one that the daemon gave; the number tells members of one slot apart, 1 unless
// somebody says otherwise. So an address says which machine it belongs to, and everybody can work
// out everybody else's. Addresses are in host byte order throughout.
//
// Of IPv6 each member has one address too: the same 32 bits behind kIpv6Prefix.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tombolo::control {

inline constexpr char kDefaultSubnet[] = "10.77.0.0/16";
// 0 and 255 are left out: in the last slot they would be the network's own.
inline constexpr uint32_t kMaxMemberNumber = 254;

// fd74:6f6d:626f:6c6f::/96, of the addresses that nobody hands out (RFC 4193): fd, and "tombolo".
inline constexpr std::array<std::byte, 12> kIpv6Prefix = {
    std::byte{0xfd}, std::byte{'t'}, std::byte{'o'}, std::byte{'m'}, std::byte{'b'}, std::byte{'o'},
    std::byte{'l'},  std::byte{'o'}, std::byte{0},   std::byte{0},   std::byte{0},   std::byte{0}};
inline constexpr uint32_t kIpv6PrefixBits = 96;

struct Subnet {
  uint32_t base = 0;
  uint32_t prefix_bits = 0;

  uint32_t Mask() const { return ~uint32_t{0} << (32 - prefix_bits); }
  std::string ToString() const;

  friend constexpr bool operator==(const Subnet&, const Subnet&) = default;
};

// As in 10.77.0.0/16. InvalidArgument says what is wrong, and what is expected.
absl::StatusOr<Subnet> ParseSubnet(std::string_view text);

// InvalidArgument when some of `slot_count` slots have no addresses in it.
absl::Status CheckRoom(const Subnet& subnet, uint32_t slot_count);

// Of the member `number` of `slot`; nothing when the subnet has no such address.
std::optional<uint32_t> MemberAddress(const Subnet& subnet, uint16_t slot, uint32_t number);

// Whether it could be some member's: not the network's own, nor for all.
bool IsMemberAddress(const Subnet& subnet, uint32_t address);

// As in 10.77.1.1.
std::string AddressText(uint32_t address);

// As in fd74:6f6d:626f:6c6f::a4d:101.
std::string Ipv6Text(uint32_t address);

}  // namespace tombolo::control
