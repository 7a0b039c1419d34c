#include "control/net/unreachable.h"

#include <algorithm>
#include <cstdint>

namespace tombolo::control {
namespace {

// Where the fields of IPv4 are in its header, and those of ICMP in its own.
constexpr size_t kVersionAt = 0;
constexpr size_t kLengthAt = 2;
constexpr size_t kFragmentAt = 6;
constexpr size_t kTimeToLiveAt = 8;
constexpr size_t kProtocolAt = 9;
constexpr size_t kIpChecksumAt = 10;
constexpr size_t kSourceAt = 12;
constexpr size_t kDestinationAt = 16;
constexpr size_t kAddressBytes = 4;
constexpr size_t kIcmpChecksumAt = 2;
constexpr size_t kIcmpHeaderBytes = 8;
constexpr size_t kQuotedBytes = 8;  // Of what is behind the header: the ports.

constexpr uint8_t kVersionAndWords = 0x45;  // Version 4, a header of five words.
constexpr uint8_t kTimeToLive = 64;
constexpr uint8_t kIcmp = 1;
constexpr uint8_t kEchoRequest = 8;
constexpr uint8_t kDestinationUnreachable = 3;
constexpr uint8_t kHost = 1;
constexpr uint16_t kFragmentOffsetMask = 0x1fff;

// The same of IPv6 and ICMPv6.
constexpr size_t kPayloadLengthAt = 4;
constexpr size_t kNextHeaderAt = 6;
constexpr size_t kHopLimitAt = 7;
constexpr size_t kIpv6SourceAt = 8;
constexpr size_t kIpv6DestinationAt = 24;
constexpr size_t kIpv6AddressBytes = 16;
constexpr uint8_t kIpv6Version = 0x60;
constexpr uint8_t kIcmpv6 = 58;
constexpr uint8_t kLeastIcmpv6Query = 128;  // Below are errors.
constexpr uint8_t kIpv6DestinationUnreachable = 1;
constexpr uint8_t kIpv6Address = 3;

uint16_t Load16(std::span<const std::byte> bytes, size_t at) {
  return static_cast<uint16_t>(std::to_integer<unsigned>(bytes[at]) << 8 |
                               std::to_integer<unsigned>(bytes[at + 1]));
}

void Store16(std::span<std::byte> bytes, size_t at, uint16_t value) {
  bytes[at] = std::byte(value >> 8);
  bytes[at + 1] = std::byte(value & 255);
}

// RFC 1071: of an even number of bytes, and of what `sum` has already.
uint16_t Checksum(std::span<const std::byte> bytes, uint32_t sum = 0) {
  for (size_t at = 0; at < bytes.size(); at += 2) sum += Load16(bytes, at);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

bool MayBeAnswered(std::span<const std::byte> packet, size_t header_bytes) {
  if ((Load16(packet, kFragmentAt) & kFragmentOffsetMask) != 0) return false;
  if (packet[kProtocolAt] != std::byte{kIcmp}) return true;
  return packet.size() > header_bytes && packet[header_bytes] == std::byte{kEchoRequest};
}

void WriteIpHeader(std::span<std::byte> answer, std::span<const std::byte> packet) {
  answer[kVersionAt] = std::byte{kVersionAndWords};
  Store16(answer, kLengthAt, static_cast<uint16_t>(answer.size()));
  answer[kTimeToLiveAt] = std::byte{kTimeToLive};
  answer[kProtocolAt] = std::byte{kIcmp};
  std::ranges::copy(packet.subspan(kDestinationAt, kAddressBytes), answer.begin() + kSourceAt);
  std::ranges::copy(packet.subspan(kSourceAt, kAddressBytes), answer.begin() + kDestinationAt);
  Store16(answer, kIpChecksumAt, Checksum(answer.first(kLeastPacketBytes)));
}

std::optional<std::vector<std::byte>> AnswerIpv4(std::span<const std::byte> packet) {
  const size_t header_bytes = (std::to_integer<size_t>(packet[kVersionAt]) & 15) * 4;
  if (!MayBeAnswered(packet, header_bytes)) return std::nullopt;
  std::vector<std::byte> made(kUnreachableBytes);
  const std::span<std::byte> answer = std::span(made).subspan(kOffloadBytes);
  const std::span<std::byte> icmp = answer.subspan(kLeastPacketBytes);
  const std::span<std::byte> quoted = icmp.subspan(kIcmpHeaderBytes);
  std::ranges::copy(packet.first(kLeastPacketBytes), quoted.begin());
  quoted[kVersionAt] = std::byte{kVersionAndWords};
  const std::span<const std::byte> behind = packet.subspan(header_bytes);
  std::ranges::copy(behind.first(std::min(behind.size(), kQuotedBytes)),
                    quoted.begin() + kLeastPacketBytes);
  icmp[0] = std::byte{kDestinationUnreachable};
  icmp[1] = std::byte{kHost};
  Store16(icmp, kIcmpChecksumAt, Checksum(icmp));
  WriteIpHeader(answer, packet);
  return made;
}

bool MayBeAnsweredIpv6(std::span<const std::byte> packet) {
  if (packet[kNextHeaderAt] != std::byte{kIcmpv6}) return true;
  return packet.size() > kIpv6HeaderBytes &&
         packet[kIpv6HeaderBytes] >= std::byte{kLeastIcmpv6Query};
}

// RFC 8200, section 8.1: addresses, length and protocol count too.
uint16_t Icmpv6Checksum(std::span<const std::byte> answer) {
  const auto icmp = answer.subspan(kIpv6HeaderBytes);
  const auto length_and_protocol = static_cast<uint32_t>(icmp.size()) + kIcmpv6;
  const auto addresses = answer.subspan(kIpv6SourceAt, 2 * kIpv6AddressBytes);
  const auto of_addresses = static_cast<uint16_t>(~Checksum(addresses, length_and_protocol));
  return Checksum(icmp, of_addresses);
}

std::optional<std::vector<std::byte>> AnswerIpv6(std::span<const std::byte> packet) {
  if (!MayBeAnsweredIpv6(packet)) return std::nullopt;
  std::vector<std::byte> made(kIpv6UnreachableBytes);
  const std::span<std::byte> answer = std::span(made).subspan(kOffloadBytes);
  const std::span<std::byte> icmp = answer.subspan(kIpv6HeaderBytes);
  const size_t quoted_bytes = std::min(packet.size(), kIpv6HeaderBytes + kQuotedBytes);
  std::ranges::copy(packet.first(quoted_bytes), icmp.begin() + kIcmpHeaderBytes);
  answer[kVersionAt] = std::byte{kIpv6Version};
  Store16(answer, kPayloadLengthAt, static_cast<uint16_t>(icmp.size()));
  answer[kNextHeaderAt] = std::byte{kIcmpv6};
  answer[kHopLimitAt] = std::byte{kTimeToLive};
  std::ranges::copy(packet.subspan(kIpv6DestinationAt, kIpv6AddressBytes),
                    answer.begin() + kIpv6SourceAt);
  std::ranges::copy(packet.subspan(kIpv6SourceAt, kIpv6AddressBytes),
                    answer.begin() + kIpv6DestinationAt);
  icmp[0] = std::byte{kIpv6DestinationUnreachable};
  icmp[1] = std::byte{kIpv6Address};
  Store16(icmp, kIcmpChecksumAt, Icmpv6Checksum(answer));
  return made;
}

}  // namespace

std::optional<std::vector<std::byte>> AnswerUnreachable(std::span<const std::byte> frame) {
  const std::span<const std::byte> packet = frame.subspan(kOffloadBytes);
  const bool is_ipv6 = (packet[kVersionAt] & std::byte{0xf0}) == std::byte{kIpv6Version};
  return is_ipv6 ? AnswerIpv6(packet) : AnswerIpv4(packet);
}

}  // namespace tombolo::control
