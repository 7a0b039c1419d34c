// A carrier whose interface is a socket that the test reads and writes, among members that the test
// plays itself, with channels of their own.
#include "control/net/packet_carrier.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "control/net/member_name.h"
#include "control/net/members.h"
#include "control/net/packet_check.h"
#include "control/net/packet_slots.h"
#include "control/net/subnet.h"
#include "control/net/tun_device.h"
#include "control/net/unreachable.h"
#include "gtest/gtest.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/base/unix_socket.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {
namespace {

constexpr uint8_t kTag = 16;
constexpr size_t kSlotBytes = 8192;
constexpr size_t kSlots = 16;
constexpr size_t kShort = 100;
constexpr size_t kLong = 5000;

using Frame = std::vector<std::byte>;

// From 10.77.0.FROM to 10.77.0.TO.
Frame MakeFrame(uint8_t from, uint8_t to, size_t bytes) {
  Frame frame(bytes, std::byte{0x5a});
  std::fill_n(frame.begin(), kOffloadBytes, std::byte{0});
  const size_t length = bytes - kOffloadBytes;
  const size_t header[] = {0x45, 0, length >> 8, length & 255, 0, 0,    0,  0,  64, 17,
                           0,    0, 10,          77,           0, from, 10, 77, 0,  to};
  std::ranges::transform(header, frame.begin() + kOffloadBytes,
                         [](size_t byte) { return std::byte(byte); });
  return frame;
}

std::string NameOf(uint32_t number) {
  return MemberName{.subnet = *ParseSubnet(kDefaultSubnet), .number = number}.ToString();
}

// Another member, who keeps what it gets and can send anything.
class Other : private ChannelHandler {
 public:
  Other(SimulatedMembers& members, const std::string& name)
      : endpoint_(members.Join(name)), channel_(*Channel::Create(*endpoint_)) {}

  EndpointId Id() const { return endpoint_->Id(); }

  void Send(EndpointId to, const Frame& frame, uint8_t tag = kTag) {
    ASSERT_TRUE(channel_->Open(to).ok());
    Claim claim;
    ASSERT_TRUE(channel_->TryClaim(to, frame.size(), claim));
    std::ranges::copy(frame, claim.payload.begin());
    channel_->Publish(claim, tag, frame.size());
  }

  std::vector<Frame> Receive() {
    for (int i = 0; i < 100; ++i) channel_->Poll(*this);
    return std::exchange(got_, {});
  }

 private:
  void OnMessage(EndpointId, uint8_t tag, std::span<const std::byte> payload) override {
    if (tag == kTag) got_.emplace_back(payload.begin(), payload.end());
  }
  void OnDeparted(EndpointId) override {}

  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<Channel> channel_;
  std::vector<Frame> got_;
};

class PacketCarrierTest : public testing::Test {
 protected:
  PacketCarrierTest() {
    auto sockets = *UnixSocketPair(SOCK_SEQPACKET | SOCK_NONBLOCK);
    kernel_ = std::move(sockets.first);
    tun_ = std::make_unique<TunDevice>(TunDevice::Adopt(std::move(sockets.second)));
    carrier_ = std::make_unique<PacketCarrier>(
        *channel_, *tun_, table_, PacketSlots(*channel_->Allocate(kSlots * kSlotBytes), kSlotBytes),
        *MemberAddress(*ParseSubnet(kDefaultSubnet), 0, 1),
        [this](const Members::Change& change) { changes_.push_back(change); });
    KnowMembers();
  }

  // The carrier looks at the table at most once in a millisecond, unless somebody else has.
  void KnowMembers() { table_.Refresh(); }

  // Our kernel has a packet to send.
  void Out(const Frame& frame) {
    ASSERT_EQ(send(kernel_.Get(), frame.data(), frame.size(), 0),
              static_cast<ssize_t>(frame.size()));
    carrier_->ReadInterface();
  }

  // What our kernel was given.
  std::optional<Frame> In() {
    for (int i = 0; i < 100; ++i) Turn();
    Frame frame(kMostFrameBytes);
    const ssize_t bytes = recv(kernel_.Get(), frame.data(), frame.size(), 0);
    if (bytes < 0) return std::nullopt;
    frame.resize(static_cast<size_t>(bytes));
    return frame;
  }

  void Turn() {
    channel_->Poll(*carrier_);
    carrier_->Flush();
  }

  SimulatedMembers members_;
  std::unique_ptr<Endpoint> endpoint_ = members_.Join(NameOf(1));
  std::unique_ptr<Channel> channel_ = *Channel::Create(*endpoint_);
  Other second_{members_, NameOf(2)};
  Other third_{members_, NameOf(3)};
  Members table_{members_.SharedRegion(), *ParseSubnet(kDefaultSubnet)};
  UniqueFd kernel_;
  std::unique_ptr<TunDevice> tun_;
  std::unique_ptr<PacketCarrier> carrier_;
  std::vector<Members::Change> changes_;
};

TEST_F(PacketCarrierTest, APacketGoesToWhoseAddressItIs) {
  for (const size_t bytes : {kLeastFrameBytes, kShort, kLong}) {
    const Frame frame = MakeFrame(1, 2, bytes);
    Out(frame);
    EXPECT_EQ(second_.Receive(), std::vector<Frame>(1, frame)) << bytes;
    EXPECT_TRUE(third_.Receive().empty());
  }
  EXPECT_EQ(carrier_->Counters().sent, 3u);
}

// From and to the same members, by IPv6.
Frame MakeIpv6Frame(uint8_t from, uint8_t to, size_t bytes) {
  Frame frame(bytes, std::byte{0x5a});
  std::fill_n(frame.begin(), kOffloadBytes, std::byte{0});
  const size_t length = bytes - kOffloadBytes - kIpv6HeaderBytes;
  const size_t header[] = {
      0x60, 0, 0, 0, length >> 8, length & 255, 17, 64,   0xfd, 't', 'o', 'm', 'b', 'o', 'l', 'o',
      0,    0, 0, 0, 10,          77,           0,  from, 0xfd, 't', 'o', 'm', 'b', 'o', 'l', 'o',
      0,    0, 0, 0, 10,          77,           0,  to};
  std::ranges::transform(header, frame.begin() + kOffloadBytes,
                         [](size_t byte) { return std::byte(byte); });
  return frame;
}

TEST_F(PacketCarrierTest, OfIpv6ItIsTheSame) {
  for (const size_t bytes : {kOffloadBytes + kIpv6HeaderBytes, kShort, kLong}) {
    const Frame there = MakeIpv6Frame(1, 2, bytes), back = MakeIpv6Frame(2, 1, bytes);
    Out(there);
    EXPECT_EQ(second_.Receive(), std::vector<Frame>{there}) << bytes;
    second_.Send(endpoint_->Id(), back);
    EXPECT_EQ(In(), back) << bytes;
    second_.Send(endpoint_->Id(), MakeIpv6Frame(3, 1, bytes));
    EXPECT_EQ(In(), std::nullopt) << "it is from another one";
  }
  EXPECT_EQ(carrier_->Counters().refused, 3u);
  Out(MakeIpv6Frame(1, 77, kShort));
  const std::optional<Frame> answer = In();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->size(), kIpv6UnreachableBytes);
}

TEST_F(PacketCarrierTest, APacketThatArrivesIsGivenToTheKernel) {
  for (const size_t bytes : {kLeastFrameBytes, kShort, kLong}) {
    const Frame frame = MakeFrame(2, 1, bytes);
    second_.Send(endpoint_->Id(), frame);
    EXPECT_EQ(In(), frame) << bytes;
  }
  EXPECT_EQ(carrier_->Counters().received, 3u);
}

TEST_F(PacketCarrierTest, NobodySendsAsAnotherOrToAnother) {
  second_.Send(endpoint_->Id(), MakeFrame(3, 1, kShort));
  second_.Send(endpoint_->Id(), MakeFrame(3, 1, kLong));
  second_.Send(endpoint_->Id(), MakeFrame(2, 9, kShort));
  second_.Send(endpoint_->Id(), Frame(3));
  EXPECT_EQ(In(), std::nullopt);
  EXPECT_EQ(carrier_->Counters().refused, 4u);
}

TEST_F(PacketCarrierTest, WhoIsNoMemberIsNotHeard) {
  Other stranger(members_, "rank");
  Other elsewhere(members_, "net-10.78.0.0/16-2");
  Other twin(members_, NameOf(2));
  KnowMembers();
  for (Other* other : {&stranger, &elsewhere, &twin}) {
    other->Send(endpoint_->Id(), MakeFrame(2, 1, kShort));
  }
  EXPECT_EQ(In(), std::nullopt);
  EXPECT_EQ(carrier_->Counters().refused, 3u);
}

TEST_F(PacketCarrierTest, ANewMemberIsHeardBeforeTheTableIsLookedAt) {
  Other fourth(members_, NameOf(4));
  EXPECT_EQ(table_.At(*MemberAddress(*ParseSubnet(kDefaultSubnet), 0, 4)), std::nullopt);
  fourth.Send(endpoint_->Id(), MakeFrame(4, 1, kShort));
  channel_->Poll(*carrier_);
  EXPECT_EQ(carrier_->Counters().received, 1u);
}

TEST_F(PacketCarrierTest, WhatIsNotOursOrForNobodyIsDropped) {
  Out(MakeFrame(3, 2, kShort));
  Out(Frame(3));
  EXPECT_EQ(carrier_->Counters().foreign, 2u);
  EXPECT_EQ(In(), std::nullopt);
  Out(MakeFrame(1, 255, kShort));
  EXPECT_EQ(In(), std::nullopt) << "an answer for all";
  Out(MakeFrame(1, 77, kShort));
  EXPECT_EQ(carrier_->Counters().to_nobody, 2u);
  const std::optional<Frame> answer = In();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->size(), kUnreachableBytes);
  EXPECT_TRUE(second_.Receive().empty());
}

TEST_F(PacketCarrierTest, WhoTakesNothingLosesPacketsAndHoldsNobodyUp) {
  for (const size_t bytes : {kShort, kLong}) {
    const uint64_t before = carrier_->Counters().overflowed;
    for (size_t i = 0; i < 5 * kSlots; ++i) Out(MakeFrame(1, 2, bytes));
    EXPECT_GT(carrier_->Counters().overflowed, before);
    for (size_t i = 0; i < 5 * kSlots; ++i) {
      Out(MakeFrame(1, 3, bytes));
      EXPECT_EQ(third_.Receive().size(), 1u);
      Turn();
    }
  }
}

TEST_F(PacketCarrierTest, WhatWasHeldComesInOrder) {
  std::vector<Frame> sent;
  for (uint8_t i = 0; i < 8; ++i) {
    sent.push_back(MakeFrame(1, 2, i % 2 == 0 ? kLong : kShort));
    sent.back().back() = std::byte{i};
    Out(sent.back());
  }
  std::vector<Frame> got;
  for (int i = 0; i < 10; ++i) {
    std::ranges::move(second_.Receive(), std::back_inserter(got));
    Turn();
  }
  EXPECT_EQ(got, sent);
}

TEST_F(PacketCarrierTest, TheDeadGiveTheirSlotsBack) {
  for (size_t i = 0; i < 5 * kSlots; ++i) Out(MakeFrame(1, 2, kLong));
  members_.Kill(second_.Id());
  Turn();
  KnowMembers();
  const uint64_t before = carrier_->Counters().overflowed;
  for (size_t i = 0; i + 1 < kSlots / 2; ++i) Out(MakeFrame(1, 3, kLong));
  EXPECT_EQ(carrier_->Counters().overflowed, before);
  Out(MakeFrame(1, 2, kShort));
  EXPECT_EQ(carrier_->Counters().to_nobody, 1u);
}

TEST_F(PacketCarrierTest, JoinsAndLeavesAreTold) {
  Members table(members_.SharedRegion(), *ParseSubnet(kDefaultSubnet));
  EXPECT_EQ(table.Refresh().size(), 3u);
  EXPECT_FALSE(table.IsOld());
  members_.Kill(third_.Id());
  EXPECT_TRUE(table.IsOld());
  const Other again(members_, NameOf(3));
  const std::vector<Members::Change> changes = table.Refresh();
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_FALSE(changes[0].joined);
  EXPECT_EQ(changes[0].member.id, third_.Id());
  EXPECT_TRUE(changes[1].joined);
  EXPECT_EQ(changes[1].member.id, again.Id());
  EXPECT_EQ(changes[1].member.address, changes[0].member.address);
}

}  // namespace
}  // namespace tombolo::control
