#include "control/net/subnet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include <charconv>

#include "absl/strings/str_cat.h"

namespace tombolo::control {
namespace {

constexpr uint32_t kNumberBits = 8;
// Fewer bits would be more slots than there can be, more would be less than one.
constexpr uint32_t kLeastPrefixBits = 8;
constexpr uint32_t kMostPrefixBits = 32 - kNumberBits;

absl::Status NoSubnet(const std::string& text) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is no subnet; expected ADDRESS/BITS with ", kLeastPrefixBits,
                   " to ", kMostPrefixBits, " bits, as in ", kDefaultSubnet, "."));
}

// Of the bits behind the slash; nothing when it is not a number alone.
std::optional<uint32_t> ParseBits(std::string_view text) {
  uint32_t bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (bits < kLeastPrefixBits || bits > kMostPrefixBits) return std::nullopt;
  return bits;
}

}  // namespace

std::string AddressText(uint32_t address) {
  return absl::StrCat(address >> 24, ".", address >> 16 & 255, ".", address >> 8 & 255, ".",
                      address & 255);
}

std::string Ipv6Text(uint32_t address) {
  in6_addr value{};
  const uint32_t network_order = htonl(address);
  memcpy(&value, kIpv6Prefix.data(), kIpv6Prefix.size());
  memcpy(value.s6_addr + kIpv6Prefix.size(), &network_order, sizeof(network_order));
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(AF_INET6, &value, text, sizeof(text));
  return text;
}

std::string Subnet::ToString() const { return absl::StrCat(AddressText(base), "/", prefix_bits); }

absl::StatusOr<Subnet> ParseSubnet(std::string_view text_view) {
  const std::string text(text_view);
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return NoSubnet(text);
  in_addr base;
  const std::optional<uint32_t> bits = ParseBits(text_view.substr(slash + 1));
  if (!bits || inet_pton(AF_INET, text.substr(0, slash).c_str(), &base) != 1) return NoSubnet(text);
  Subnet subnet{.base = ntohl(base.s_addr), .prefix_bits = *bits};
  if ((subnet.base & subnet.Mask()) == subnet.base) {
    // One text for one subnet, since it is part of the members' names: no 010, no +16.
    return subnet.ToString() == text ? absl::StatusOr<Subnet>(subnet) : NoSubnet(text);
  }
  subnet.base &= subnet.Mask();
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' names an address within ",
                                                 subnet.ToString(),
                                                 "; if that is the subnet that is meant, say so."));
}

absl::Status CheckRoom(const Subnet& subnet, uint32_t slot_count) {
  const uint64_t room = uint64_t{1} << (kMostPrefixBits - subnet.prefix_bits);
  if (slot_count <= room) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(subnet.ToString(), " has addresses for ", room, " slots, and this region has ",
                   slot_count, "; take a subnet of fewer bits, as ", kDefaultSubnet, "."));
}

std::optional<uint32_t> MemberAddress(const Subnet& subnet, uint16_t slot, uint32_t number) {
  if (number < 1 || number > kMaxMemberNumber || !CheckRoom(subnet, slot + uint32_t{1}).ok()) {
    return std::nullopt;
  }
  return subnet.base | uint32_t{slot} << kNumberBits | number;
}

bool IsMemberAddress(const Subnet& subnet, uint32_t address) {
  const uint32_t number = address & ((1u << kNumberBits) - 1);
  return (address & subnet.Mask()) == subnet.base && number >= 1 && number <= kMaxMemberNumber;
}

}  // namespace tombolo::control
