// What this machine's kernel is answered when nobody has the address that it sends to: ICMP's "host
// unreachable" (RFC 792; RFC 1122, section 3.2.2), or ICMPv6's "address unreachable" (RFC 4443,
// section 3.1), so that programs are told at once.
//
// It says to come from the address that nobody has: the kernel takes no packet from outside that
// says to come from its own. Pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "control/net/packet_check.h"

namespace tombolo::control {

// Headers of IP and ICMP, and of the packet in question its header, without its options, and the 8
// bytes behind it.
inline constexpr size_t kUnreachableBytes = kOffloadBytes + 20 + 8 + 20 + 8;
inline constexpr size_t kIpv6UnreachableBytes = kOffloadBytes + 40 + 8 + 40 + 8;

// The answer to `frame`, which CheckFrame() found good and nobody changes meanwhile. Nothing where
// there must be none: to an ICMP message that is no request, and to a fragment behind the first.
std::optional<std::vector<std::byte>> AnswerUnreachable(std::span<const std::byte> frame);

}  // namespace tombolo::control
