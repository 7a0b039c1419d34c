#include "control/net/packet_check.h"

#include <algorithm>

#include "control/net/subnet.h"

namespace tombolo::control {
namespace {

// virtio 1.2, section 5.1.6; <linux/virtio_net.h> is no C++.
constexpr size_t kOffloadFlagsAt = 0;
constexpr size_t kSegmentationAt = 1;
constexpr uint32_t kNeedsChecksum = 1;
constexpr uint32_t kNoSegmentation = 0;

// Where RFC 791, section 3.1, has its fields.
constexpr size_t kVersionAt = kOffloadBytes;
constexpr size_t kTotalLengthAt = kOffloadBytes + 2;
constexpr size_t kSourceAt = kOffloadBytes + 12;
constexpr size_t kDestinationAt = kOffloadBytes + 16;
constexpr uint32_t kIpv4 = 4;
constexpr uint32_t kIpv6 = 6;
constexpr size_t kBytesPerWordOfHeader = 4;

// Where RFC 8200, section 3, has them.
constexpr size_t kPayloadLengthAt = kOffloadBytes + 4;
constexpr size_t kIpv6SourceAt = kOffloadBytes + 8;
constexpr size_t kIpv6DestinationAt = kOffloadBytes + 24;

uint32_t Byte(const FrameHead& head, size_t at) { return std::to_integer<uint32_t>(head[at]); }

uint32_t BigEndian16(const FrameHead& head, size_t at) {
  return Byte(head, at) << 8 | Byte(head, at + 1);
}

uint32_t BigEndian32(const FrameHead& head, size_t at) {
  return BigEndian16(head, at) << 16 | BigEndian16(head, at + 2);
}

// The member's part of an address of IPv6.
uint32_t Ipv6Member(const FrameHead& head, size_t at) {
  const bool is_ours = std::equal(kIpv6Prefix.begin(), kIpv6Prefix.end(), &head[at]);
  return is_ours ? BigEndian32(head, at + kIpv6Prefix.size()) : 0;
}

bool IsIpv4LengthGood(const FrameHead& head, size_t packet_bytes) {
  const size_t header_bytes = (Byte(head, kVersionAt) & 15) * kBytesPerWordOfHeader;
  return header_bytes >= kLeastPacketBytes && header_bytes <= packet_bytes &&
         BigEndian16(head, kTotalLengthAt) == packet_bytes;
}

bool IsIpv6LengthGood(const FrameHead& head, size_t packet_bytes) {
  return packet_bytes >= kIpv6HeaderBytes &&
         BigEndian16(head, kPayloadLengthAt) == packet_bytes - kIpv6HeaderBytes;
}

bool IsOffloadGood(const FrameHead& head) {
  return (Byte(head, kOffloadFlagsAt) & ~kNeedsChecksum) == 0 &&
         Byte(head, kSegmentationAt) == kNoSegmentation;
}

}  // namespace

PacketVerdict CheckFrame(const FrameHead& head, size_t frame_bytes, PacketEnds& ends) {
  if (frame_bytes < kLeastFrameBytes) return PacketVerdict::kTooShort;
  const size_t packet_bytes = frame_bytes - kOffloadBytes;
  const uint32_t version = Byte(head, kVersionAt) >> 4;
  if (version != kIpv4 && version != kIpv6) return PacketVerdict::kNotIp;
  const bool is_length_good = version == kIpv4 ? IsIpv4LengthGood(head, packet_bytes)
                                               : IsIpv6LengthGood(head, packet_bytes);
  if (!is_length_good) return PacketVerdict::kWrongLength;
  if (!IsOffloadGood(head)) return PacketVerdict::kWrongOffload;
  if (version == kIpv4) {
    ends = {BigEndian32(head, kSourceAt), BigEndian32(head, kDestinationAt)};
  } else {
    ends = {Ipv6Member(head, kIpv6SourceAt), Ipv6Member(head, kIpv6DestinationAt)};
  }
  return PacketVerdict::kGood;
}

PacketVerdict CheckArrived(const FrameHead& head, size_t frame_bytes, const PacketEnds& expected) {
  PacketEnds ends;
  const PacketVerdict verdict = CheckFrame(head, frame_bytes, ends);
  if (verdict != PacketVerdict::kGood) return verdict;
  if (ends.source != expected.source) return PacketVerdict::kWrongSource;
  if (ends.destination != expected.destination) return PacketVerdict::kWrongDestination;
  return PacketVerdict::kGood;
}

const char* Words(PacketVerdict verdict) {
  switch (verdict) {
    case PacketVerdict::kGood:
      return "it is good";
    case PacketVerdict::kTooShort:
      return "it is shorter than a header";
    case PacketVerdict::kNotIp:
      return "it is no IP packet";
    case PacketVerdict::kWrongLength:
      return "its header tells another length than came";
    case PacketVerdict::kWrongOffload:
      return "it asks for more than an open checksum";
    case PacketVerdict::kWrongSource:
      return "its source is not the sender's address";
    case PacketVerdict::kWrongDestination:
      return "its destination is not the receiver's address";
  }
  return "";
}

}  // namespace tombolo::control
