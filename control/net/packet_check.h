// What is looked at in a packet before it goes on: from this machine's kernel into the region, and
// from the region into this machine's kernel. Pure functions of the first bytes, which the caller
// has copied out of reach of others; what comes behind them, options and payload, is the kernel's
// to check, as with any network card.
//
// A frame is what an interface gives and takes, and what travels as one message:
//
//   bytes   what
//   0-9     virtio_net_hdr: whether the checksum of TCP or UDP is still to be filled in, and where
//   10-     the packet
//
// Kernels leave checksums open here: memory does not change a bit on the way, and the two passes
// over each packet are most of what it costs. Nothing else that this header can say is used.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tombolo::control {

inline constexpr size_t kOffloadBytes = 10;
// Of IPv4 without options.
inline constexpr size_t kLeastPacketBytes = 20;
inline constexpr size_t kIpv6HeaderBytes = 40;
// What the length in the header can say.
inline constexpr size_t kMostPacketBytes = 65535;

inline constexpr size_t kLeastFrameBytes = kOffloadBytes + kLeastPacketBytes;
inline constexpr size_t kMostFrameBytes = kOffloadBytes + kMostPacketBytes;

// The beginning of every frame, as far as it is looked at; zeros behind a shorter one.
using FrameHead = std::array<std::byte, kOffloadBytes + kIpv6HeaderBytes>;

enum class PacketVerdict {
  kGood,
  kTooShort,          // Less than a header.
  kNotIp,             // Neither IPv4 nor IPv6.
  kWrongLength,       // What it says of its length is not what came.
  kWrongOffload,      // More than an open checksum is asked of the kernel.
  kWrongSource,       // Not the sender's own address.
  kWrongDestination,  // Not the receiver's.
};

// Of IPv6 what is behind kIpv6Prefix; 0, which is nobody, where an address begins otherwise.
struct PacketEnds {
  uint32_t source = 0;
  uint32_t destination = 0;
};

// Version, lengths and offload of a frame of `frame_bytes` that begins with `head`. If kGood,
// `ends` says from where to where it goes.
PacketVerdict CheckFrame(const FrameHead& head, size_t frame_bytes, PacketEnds& ends);

// The same, and that it goes from `expected.source` to `expected.destination`.
PacketVerdict CheckArrived(const FrameHead& head, size_t frame_bytes, const PacketEnds& expected);

// For people: "it is no IP packet".
const char* Words(PacketVerdict verdict);

}  // namespace tombolo::control
