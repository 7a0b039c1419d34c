// PacketCarrier: packets of any shape from members of the network, lent and copied, and from the
// kernel. Whatever is given to the kernel or to another member is a packet from whom it says to be,
// to whom it is given.
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "control/net/member_name.h"
#include "control/net/members.h"
#include "control/net/packet_carrier.h"
#include "control/net/packet_check.h"
#include "control/net/packet_slots.h"
#include "control/net/subnet.h"
#include "control/net/tun_device.h"
#include "spdlog/spdlog.h"
#include "tests/fuzz/fuzz_region.h"
#include "tests/fuzz/hostile_loads.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "transport/base/unique_fd.h"
#include "transport/base/unix_socket.h"
#include "transport/channel/channel.h"

namespace tombolo::fuzz {
namespace {

using control::FrameHead;
using control::PacketEnds;
using control::PacketVerdict;

constexpr uint32_t kSelfNumber = 1;
constexpr uint32_t kPeers = 2;
constexpr int kMostSteps = 100;
constexpr uint8_t kPacketTag = 16;
constexpr size_t kSlotBytes = 4096;
constexpr size_t kSlots = 8;
constexpr size_t kRoomBytes = 2 * kSlotBytes;

using Frame = std::vector<std::byte>;

const control::Subnet& Network() {
  static const control::Subnet subnet = *control::ParseSubnet(control::kDefaultSubnet);
  return subnet;
}

uint32_t AddressOf(uint32_t number) { return *control::MemberAddress(Network(), 0, number); }

EndpointId IdOf(uint32_t number) { return {.index = number, .incarnation = 1}; }

// Gives away from whom and to whom; aborts when it is no packet.
PacketEnds EndsOf(std::span<const std::byte> frame) {
  FrameHead head{};
  std::copy_n(frame.begin(), std::min(frame.size(), head.size()), head.begin());
  PacketEnds ends;
  if (control::CheckFrame(head, frame.size(), ends) != PacketVerdict::kGood) abort();
  return ends;
}

// Another member: sends anything, and looks at what it gets.
class Member final : public ChannelHandler {
 public:
  Member(const FuzzRegion& region, uint32_t number)
      : number_(number),
        endpoint_(region.Attach(IdOf(number))),
        channel_(*Channel::Create(*endpoint_)) {
    buffer_ = channel_->Allocate(kSlotBytes);
  }

  EndpointId Id() const { return endpoint_->Id(); }
  void Poll() { channel_->Poll(*this); }

  void Send(std::span<const std::byte> frame) {
    Claim claim;
    const EndpointId self = IdOf(kSelfNumber);
    if (!channel_->Open(self).ok() || !channel_->TryClaim(self, frame.size(), claim)) return;
    std::ranges::copy(frame, claim.payload.begin());
    channel_->Publish(claim, kPacketTag, frame.size());
  }

  void Lend(std::span<const std::byte> frame) {
    const EndpointId self = IdOf(kSelfNumber);
    if (!buffer_.ok() || !channel_->Open(self).ok()) return;
    std::ranges::copy(frame, buffer_->bytes.begin());
    (void)channel_->TryLend(self, *buffer_, 0, frame.size(), kPacketTag, 0);
  }

 private:
  void OnMessage(EndpointId, uint8_t tag, std::span<const std::byte> payload) override {
    if (loads_are_hostile || tag != kPacketTag) return;
    const PacketEnds ends = EndsOf(payload);
    if (ends.source != AddressOf(kSelfNumber) || ends.destination != AddressOf(number_)) abort();
  }
  void OnDeparted(EndpointId) override {}

  const uint32_t number_;
  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<Channel> channel_;
  absl::StatusOr<RegionBuffer> buffer_ = absl::UnavailableError("");
};

class NetTarget {
 public:
  explicit NetTarget(Input& input) : input_(input) {
    for (uint32_t number = 1; number <= 1 + kPeers; ++number) Join(number);
    endpoint_ = region_.Attach(IdOf(kSelfNumber));
    channel_ = *Channel::Create(*endpoint_);
    auto sockets = *UnixSocketPair(SOCK_SEQPACKET | SOCK_NONBLOCK);
    kernel_ = std::move(sockets.first);
    tun_ =
        std::make_unique<control::TunDevice>(control::TunDevice::Adopt(std::move(sockets.second)));
    table_ = std::make_unique<control::Members>(region_.View(), Network());
    table_->Refresh();
    carrier_ = std::make_unique<control::PacketCarrier>(
        *channel_, *tun_, *table_,
        control::PacketSlots(*channel_->Allocate(kSlots * kSlotBytes), kSlotBytes),
        AddressOf(kSelfNumber), [](const control::Members::Change&) {});
    for (uint32_t i = 0; i < kPeers; ++i) {
      members_.push_back(std::make_unique<Member>(region_, kSelfNumber + 1 + i));
    }
  }

  void Run() {
    const HostileLoads hostile(input_);
    for (int i = 0; i < kMostSteps && !input_.IsEmpty(); ++i) Step();
  }

 private:
  void Join(uint32_t number) {
    region_.SetState(IdOf(number), EndpointState::kLive);
    const std::string name = control::MemberName{.subnet = Network(), .number = number}.ToString();
    auto& words = region_.View().Endpoint(number).name;
    for (size_t at = 0; at < name.size(); at += sizeof(uint64_t)) {
      uint64_t word = 0;
      memcpy(&word, name.data() + at, std::min(name.size() - at, sizeof(word)));
      words[at / sizeof(word)].store(word, std::memory_order_relaxed);
    }
  }

  Member& AnyMember() { return *members_[input_.Below(kPeers)]; }

  void Step() {
    switch (input_.Below(8)) {
      case 0:
      case 1:
        return AnyMember().Send(AnyFrame());
      case 2:
        return AnyMember().Lend(AnyFrame());
      case 3:
      case 4:
        return FromKernel(AnyFrame());
      case 5:
        return AnyMember().Poll();
      case 6:
        if (input_.Below(16) == 0) region_.SetState(AnyMember().Id(), EndpointState::kDead);
        return;
      default:
        return Turn();
    }
  }

  void Turn() {
    channel_->Poll(*carrier_);
    carrier_->Flush();
    std::vector<std::byte> frame(kRoomBytes);
    for (ssize_t bytes = 0; (bytes = recv(kernel_.Get(), frame.data(), frame.size(), 0)) > 0;) {
      CheckTaken(std::span(frame).first(static_cast<size_t>(bytes)));
    }
  }

  static void CheckTaken(std::span<const std::byte> frame) {
    if (EndsOf(frame).destination != AddressOf(kSelfNumber)) abort();
  }

  void FromKernel(const Frame& frame) {
    if (frame.empty()) return;
    (void)!send(kernel_.Get(), frame.data(), frame.size(), 0);
    carrier_->ReadInterface();
  }

  // Bytes as they come, or a packet of which each field is mostly right.
  Frame AnyFrame() {
    const uint32_t shape = input_.Below(8);
    if (shape == 0) {
      const auto bytes = std::as_bytes(input_.Take(input_.Below(200)));
      return Frame(bytes.begin(), bytes.end());
    }
    if (shape == 2) return AnyIpv6Frame();
    const size_t bytes = control::kLeastFrameBytes + input_.Below(shape == 1 ? 3000 : 100);
    Frame frame(bytes);
    const size_t told = bytes - control::kOffloadBytes + (input_.Below(16) == 0 ? 1 : 0);
    std::byte* const packet = frame.data() + control::kOffloadBytes;
    frame[0] = std::byte(input_.Below(8) == 0 ? input_.Byte() : 0);
    frame[1] = std::byte(input_.Below(16) == 0 ? input_.Byte() : 0);
    packet[0] = std::byte(input_.Below(8) == 0 ? input_.Byte() : 0x45);
    packet[2] = std::byte(told >> 8 & 255);
    packet[3] = std::byte(told & 255);
    packet[6] = std::byte(input_.Below(8) == 0 ? input_.Byte() : 0);
    packet[9] = std::byte(input_.Below(2) == 0 ? 1 : 17);
    StoreAddress(packet + 12, AddressOf(1 + input_.Below(4)));
    StoreAddress(packet + 16, AddressOf(1 + input_.Below(4)));
    if (bytes > control::kLeastFrameBytes) packet[20] = std::byte(input_.Byte());
    return frame;
  }

  Frame AnyIpv6Frame() {
    const size_t payload_bytes = input_.Below(input_.Below(4) == 0 ? 3000 : 100);
    Frame frame(control::kOffloadBytes + control::kIpv6HeaderBytes + payload_bytes);
    const size_t told = payload_bytes + (input_.Below(16) == 0 ? 1 : 0);
    std::byte* const packet = frame.data() + control::kOffloadBytes;
    packet[0] = std::byte{0x60};
    packet[4] = std::byte(told >> 8 & 255);
    packet[5] = std::byte(told & 255);
    packet[6] = std::byte(input_.Below(2) == 0 ? 58 : 17);
    for (const size_t at : {8u, 24u}) {
      std::ranges::copy(control::kIpv6Prefix, packet + at);
      StoreAddress(packet + at + control::kIpv6Prefix.size(), AddressOf(1 + input_.Below(4)));
    }
    packet[8 + input_.Below(32)] ^= std::byte(input_.Below(8) == 0 ? input_.Byte() : 0);
    if (payload_bytes > 0) packet[control::kIpv6HeaderBytes] = std::byte(input_.Byte());
    return frame;
  }

  static void StoreAddress(std::byte* at, uint32_t address) {
    for (int i = 0; i < 4; ++i) at[i] = std::byte(address >> (24 - 8 * i) & 255);
  }

  Input& input_;
  FuzzRegion region_;
  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<Channel> channel_;
  UniqueFd kernel_;
  std::unique_ptr<control::TunDevice> tun_;
  std::unique_ptr<control::Members> table_;
  std::unique_ptr<control::PacketCarrier> carrier_;
  std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  spdlog::set_level(spdlog::level::off);
  Input input(bytes);
  NetTarget(input).Run();
}

std::vector<Bytes> Seeds() {
  return {
      // A member sends us a short packet and lends a long one.
      {0, 0, 2, 40, 1, 1, 1, 1, 1, 0, 1, 0, 9, 2, 0, 1, 200, 7, 1, 1, 1, 1, 1, 0, 1, 0, 9, 7},
      // Our kernel sends to a member, to nobody, and as somebody else.
      {3, 2, 40, 1, 1, 1, 1, 1, 1, 0, 1, 8, 3, 2, 40, 1,  1, 1, 1, 1, 0, 0, 3, 8, 7, 4, 1,
       0, 2, 1,  1, 1, 1, 1, 1, 0, 1, 8, 5, 0, 4, 2,  40, 1, 1, 1, 1, 1, 1, 1, 2, 8, 7},
      // One dies while packets wait for it.
      {4, 1, 0, 8, 1, 1, 1, 1, 1, 1, 0, 1, 8, 6, 0, 0, 7, 5, 1},
  };
}

}  // namespace tombolo::fuzz
