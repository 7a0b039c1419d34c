// What is pure in control/net: subnets and addresses, names of members, the check of a packet, and
// the answer for nobody.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/net/member_name.h"
#include "control/net/packet_check.h"
#include "control/net/subnet.h"
#include "control/net/unreachable.h"
#include "gtest/gtest.h"

namespace tombolo::control {
namespace {

TEST(SubnetTest, AnAddressIsSlotAndNumber) {
  const Subnet subnet = *ParseSubnet("10.77.0.0/16");
  EXPECT_EQ(AddressText(*MemberAddress(subnet, 3, 1)), "10.77.3.1");
  EXPECT_EQ(AddressText(*MemberAddress(subnet, 255, 254)), "10.77.255.254");
  EXPECT_EQ(AddressText(*MemberAddress(*ParseSubnet("10.0.0.0/8"), 258, 7)), "10.1.2.7");
}

TEST(SubnetTest, ThereIsNoAddressOutsideOfIt) {
  const Subnet subnet = *ParseSubnet("10.77.16.0/20");
  EXPECT_EQ(AddressText(*MemberAddress(subnet, 15, 254)), "10.77.31.254");
  EXPECT_FALSE(MemberAddress(subnet, 16, 1));
  EXPECT_FALSE(MemberAddress(subnet, 0, 0));
  EXPECT_FALSE(MemberAddress(subnet, 0, 255));
  EXPECT_TRUE(CheckRoom(subnet, 16).ok());
  EXPECT_EQ(CheckRoom(subnet, 17).message(),
            "10.77.16.0/20 has addresses for 16 slots, and this region has 17; take a subnet of "
            "fewer bits, as 10.77.0.0/16.");
}

TEST(SubnetTest, TheNetworksOwnAddressesAreNoMembers) {
  const Subnet subnet = *ParseSubnet("10.77.0.0/16");
  EXPECT_TRUE(IsMemberAddress(subnet, 0x0a4d0901));
  for (const uint32_t address : {0x0a4d0000u, 0x0a4dffffu, 0x0a4e0001u, 0xe0000001u}) {
    EXPECT_FALSE(IsMemberAddress(subnet, address)) << AddressText(address);
  }
}

TEST(SubnetTest, WhatIsNoSubnetIsRefused) {
  for (const char* text : {"", "/", "10.77.0.0", "10.77.0.0/", "10.77.0.0/7", "10.77.0.0/25",
                           "10.77.0.0/+16", "10.77.0.0/16 ", "10.77.0/16", "010.77.0.0/16",
                           "10.77.0.0/016", "::/16", "10.77.0.0/99999999999"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseSubnet(text).status())) << text;
  }
  EXPECT_EQ(ParseSubnet("10.77.1.0/16").status().message(),
            "'10.77.1.0/16' names an address within 10.77.0.0/16; if that is the subnet that is "
            "meant, say so.");
}

TEST(MemberNameTest, SaysSubnetAndNumberAndIsReadAgain) {
  const MemberName name{.subnet = *ParseSubnet("10.77.0.0/16"), .number = 12};
  EXPECT_EQ(name.ToString(), "net-10.77.0.0/16-12");
  const std::optional<MemberName> parsed = ParseMemberName(name.ToString());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->subnet, name.subnet);
  EXPECT_EQ(parsed->number, 12u);
}

TEST(MemberNameTest, TheLongestFitsIntoTheMemberTable) {
  const MemberName name{.subnet = *ParseSubnet("255.255.255.0/24"), .number = kMaxMemberNumber};
  EXPECT_LE(name.ToString().size(), 31u);
}

TEST(MemberNameTest, OtherNamesAreNoMembers) {
  for (const char* name :
       {"", "agent", "net", "net-", "net--", "net-1", "net-10.77.0.0/16", "net-10.77.0.0/16-",
        "net-10.77.0.0/16-01", "net-10.77.0.0/16-+1", "net-10.77.0.0/16-1 ", "net-10.77.0.0/16--1",
        "net-10.77.0.1/16-1", "net-10.77.0.0/16-99999999999", "Net-10.77.0.0/16-1"}) {
    EXPECT_FALSE(ParseMemberName(name)) << name;
  }
}

constexpr uint32_t kFrom = 0x0a4d0001;
constexpr uint32_t kTo = 0x0a4d0101;
constexpr size_t kFrameBytes = 94;

// A frame of kFrameBytes from 10.77.0.1 to 10.77.1.1 as it should be, written by hand.
FrameHead GoodHead() {
  FrameHead head{};
  size_t at = kOffloadBytes;
  for (const unsigned byte : std::initializer_list<unsigned>{
           0x45, 0, 0, kFrameBytes - kOffloadBytes, 0, 0, 0, 0, 64, 6, 0, 0, 10, 77, 0, 1, 10,
           77,   1, 1}) {
    head[at++] = std::byte(byte);
  }
  return head;
}

PacketVerdict VerdictWith(size_t at, unsigned byte, size_t frame_bytes = kFrameBytes) {
  FrameHead head = GoodHead();
  head[at] = std::byte(byte);
  return CheckArrived(head, frame_bytes, {kFrom, kTo});
}

TEST(PacketCheckTest, AGoodPacketTellsItsEnds) {
  PacketEnds ends;
  ASSERT_EQ(CheckFrame(GoodHead(), kFrameBytes, ends), PacketVerdict::kGood);
  EXPECT_EQ(ends.source, kFrom);
  EXPECT_EQ(ends.destination, kTo);
  EXPECT_EQ(CheckArrived(GoodHead(), kFrameBytes, {kFrom, kTo}), PacketVerdict::kGood);
}

TEST(PacketCheckTest, NobodySendsAsAnother) {
  for (const size_t at : {22u, 23u, 24u, 25u}) {
    EXPECT_EQ(VerdictWith(at, 99), PacketVerdict::kWrongSource) << at;
  }
}

TEST(PacketCheckTest, WhatIsForOthersIsNotTaken) {
  for (const size_t at : {26u, 27u, 28u, 29u}) {
    EXPECT_EQ(VerdictWith(at, 255), PacketVerdict::kWrongDestination) << at;
  }
}

TEST(PacketCheckTest, LengthsAreThoseOfWhatCame) {
  EXPECT_EQ(VerdictWith(13, kFrameBytes - kOffloadBytes - 1), PacketVerdict::kWrongLength);
  EXPECT_EQ(VerdictWith(12, 1), PacketVerdict::kWrongLength);
  EXPECT_EQ(VerdictWith(10, 0x44), PacketVerdict::kWrongLength) << "a header of 16 bytes";
  EXPECT_EQ(VerdictWith(10, 0x45, kFrameBytes + 1), PacketVerdict::kWrongLength);
  EXPECT_EQ(VerdictWith(10, 0x45, kLeastFrameBytes - 1), PacketVerdict::kTooShort);
  EXPECT_EQ(VerdictWith(10, 0x45, 0), PacketVerdict::kTooShort);
}

TEST(PacketCheckTest, AHeaderWithOptionsEndsWithinThePacket) {
  EXPECT_EQ(VerdictWith(10, 0x4f), PacketVerdict::kGood);
  FrameHead head = GoodHead();
  head[10] = std::byte{0x46};
  head[13] = std::byte{20};
  EXPECT_EQ(CheckArrived(head, kLeastFrameBytes, {kFrom, kTo}), PacketVerdict::kWrongLength);
}

TEST(PacketCheckTest, OnlyIpIsTaken) {
  EXPECT_EQ(VerdictWith(10, 0x75), PacketVerdict::kNotIp);
  EXPECT_EQ(VerdictWith(10, 0x05), PacketVerdict::kNotIp);
  EXPECT_EQ(VerdictWith(10, 0x65), PacketVerdict::kWrongLength);
}

// As GoodHead(), of IPv6: from fd74:6f6d:626f:6c6f::a4d:1 to ::a4d:101.
FrameHead GoodIpv6Head() {
  FrameHead head{};
  size_t at = kOffloadBytes;
  for (const unsigned byte : std::initializer_list<unsigned>{
           0x60, 0,    0,    0,    0,    kFrameBytes - kOffloadBytes - 40,
           6,    64,   0xfd, 0x74, 0x6f, 0x6d,
           0x62, 0x6f, 0x6c, 0x6f, 0,    0,
           0,    0,    10,   77,   0,    1,
           0xfd, 0x74, 0x6f, 0x6d, 0x62, 0x6f,
           0x6c, 0x6f, 0,    0,    0,    0,
           10,   77,   1,    1}) {
    head[at++] = std::byte(byte);
  }
  return head;
}

PacketVerdict Ipv6VerdictWith(size_t at, unsigned byte, size_t frame_bytes = kFrameBytes) {
  FrameHead head = GoodIpv6Head();
  head[at] = std::byte(byte);
  return CheckArrived(head, frame_bytes, {kFrom, kTo});
}

TEST(Ipv6CheckTest, AGoodPacketTellsItsEnds) {
  PacketEnds ends;
  ASSERT_EQ(CheckFrame(GoodIpv6Head(), kFrameBytes, ends), PacketVerdict::kGood);
  EXPECT_EQ(ends.source, kFrom);
  EXPECT_EQ(ends.destination, kTo);
  EXPECT_EQ(Ipv6VerdictWith(0, 1), PacketVerdict::kGood);
  EXPECT_EQ(Ipv6Text(kTo), "fd74:6f6d:626f:6c6f::a4d:101");
}

TEST(Ipv6CheckTest, EachByteOfBothAddressesCounts) {
  for (size_t at = 18; at < 34; ++at) {
    EXPECT_EQ(Ipv6VerdictWith(at, 99), PacketVerdict::kWrongSource) << at;
    EXPECT_EQ(Ipv6VerdictWith(at + 16, 99), PacketVerdict::kWrongDestination) << at;
  }
}

TEST(Ipv6CheckTest, LengthsAreThoseOfWhatCame) {
  EXPECT_EQ(Ipv6VerdictWith(15, 45), PacketVerdict::kWrongLength);
  EXPECT_EQ(Ipv6VerdictWith(14, 1), PacketVerdict::kWrongLength);
  EXPECT_EQ(Ipv6VerdictWith(0, 0, kFrameBytes + 1), PacketVerdict::kWrongLength);
  EXPECT_EQ(Ipv6VerdictWith(15, 0, kOffloadBytes + 40), PacketVerdict::kGood);
  EXPECT_EQ(Ipv6VerdictWith(15, 0, kOffloadBytes + 39), PacketVerdict::kWrongLength);
  EXPECT_EQ(Ipv6VerdictWith(15, 0, kLeastFrameBytes), PacketVerdict::kWrongLength);
  EXPECT_EQ(Ipv6VerdictWith(0, 2), PacketVerdict::kWrongOffload);
}

TEST(PacketCheckTest, OfTheKernelNothingIsAskedButAChecksum) {
  EXPECT_EQ(VerdictWith(0, 1), PacketVerdict::kGood);
  EXPECT_EQ(VerdictWith(0, 2), PacketVerdict::kWrongOffload) << "that it believes a checksum";
  EXPECT_EQ(VerdictWith(0, 0xff), PacketVerdict::kWrongOffload);
  EXPECT_EQ(VerdictWith(1, 1), PacketVerdict::kWrongOffload) << "that it cuts into segments";
}

// As GoodHead(), and eight bytes behind it: a TCP packet, unless it is made another one.
std::vector<std::byte> SentFrame() {
  const FrameHead head = GoodHead();
  std::vector<std::byte> frame(head.begin(), head.end());
  for (int i = 0; i < 8; ++i) frame.push_back(std::byte(0xe0 + i));
  return frame;
}

// The sum of RFC 1071, which is all ones over what has its checksum in it.
uint32_t Sum(std::span<const std::byte> bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    sum += std::to_integer<uint32_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
  }
  return (sum & 0xffff) + (sum >> 16);
}

TEST(UnreachableTest, TheAnswerIsAnIcmpMessageFromTheAddressThatNobodyHas) {
  const auto answer = AnswerUnreachable(SentFrame());
  ASSERT_TRUE(answer);
  FrameHead head;
  std::copy_n(answer->begin(), head.size(), head.begin());
  EXPECT_EQ(CheckArrived(head, answer->size(), {kTo, kFrom}), PacketVerdict::kGood);
  const std::span<const std::byte> packet = std::span(*answer).subspan(kOffloadBytes);
  EXPECT_EQ(Sum(packet.first(20)), 0xffffu);
  EXPECT_EQ(Sum(packet.subspan(20)), 0xffffu);
  EXPECT_EQ(packet[9], std::byte{1}) << "ICMP";
  EXPECT_EQ(packet[20], std::byte{3}) << "destination unreachable";
  EXPECT_EQ(packet[21], std::byte{1}) << "host";
  const std::vector<std::byte> sent = SentFrame();
  EXPECT_TRUE(std::equal(packet.begin() + 28, packet.end(), sent.begin() + kOffloadBytes));
}

TEST(UnreachableTest, OfIpv6ItIsAMessageOfIcmpv6) {
  const FrameHead sent = GoodIpv6Head();
  std::vector<std::byte> frame(sent.begin(), sent.end());
  for (int i = 0; i < 9; ++i) frame.push_back(std::byte(0xe0 + i));
  const auto answer = AnswerUnreachable(frame);
  ASSERT_TRUE(answer);
  FrameHead head;
  std::copy_n(answer->begin(), head.size(), head.begin());
  EXPECT_EQ(CheckArrived(head, answer->size(), {kTo, kFrom}), PacketVerdict::kGood);
  ASSERT_EQ(answer->size(), kIpv6UnreachableBytes);
  const std::span<const std::byte> packet = std::span(*answer).subspan(kOffloadBytes);
  EXPECT_EQ(packet[6], std::byte{58}) << "ICMPv6";
  EXPECT_EQ(packet[40], std::byte{1}) << "destination unreachable";
  EXPECT_EQ(packet[41], std::byte{3}) << "address";
  // With the pseudo-header: both addresses, length and protocol.
  const uint32_t sum = Sum(packet.subspan(8)) + 56 + 58;
  EXPECT_EQ((sum & 0xffff) + (sum >> 16), 0xffffu);
  EXPECT_TRUE(std::equal(packet.begin() + 48, packet.end(), frame.begin() + kOffloadBytes));
  frame[kOffloadBytes + 6] = std::byte{58};
  for (const auto& [type, is_answered] : {std::pair(128, true), std::pair(1, false)}) {
    frame[kOffloadBytes + 40] = std::byte(type);
    EXPECT_EQ(AnswerUnreachable(frame).has_value(), is_answered) << type;
  }
}

TEST(UnreachableTest, OptionsAreLeftOut) {
  std::vector<std::byte> sent = SentFrame();
  sent[kOffloadBytes] = std::byte{0x47};
  const auto answer = AnswerUnreachable(sent);
  ASSERT_TRUE(answer);
  EXPECT_EQ((*answer)[kOffloadBytes + 28], std::byte{0x45});
  EXPECT_EQ(answer->back(), std::byte{0}) << "nothing is behind the options";
}

TEST(UnreachableTest, ThereIsNoAnswerToAnAnswerOrALaterFragment) {
  std::vector<std::byte> fragment = SentFrame();
  fragment[kOffloadBytes + 7] = std::byte{1};
  EXPECT_FALSE(AnswerUnreachable(fragment));
  std::vector<std::byte> icmp = SentFrame();
  icmp[kOffloadBytes + 9] = std::byte{1};
  for (const auto& [type, is_answered] :
       {std::pair(8, true), std::pair(0, false), std::pair(3, false)}) {
    icmp[kLeastFrameBytes] = std::byte(type);
    EXPECT_EQ(AnswerUnreachable(icmp).has_value(), is_answered) << type;
  }
}

}  // namespace
}  // namespace tombolo::control
