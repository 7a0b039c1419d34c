// PacketCarrier: carries IP packets between an interface of this machine and the members of a
// network over the region. A packet is one message, with a few bytes before it (packet_check.h).
//
//   interface --read--> slot of the region --copied or lent--> member --write--> its interface
//
// Short packets are copied into the link's cells, and longer ones of a mapping that is copied from
// and to in any case into a chunk. The rest is lent: the interface's packet is
// read into memory of the region, and the receiver's kernel takes it from there. Nothing waits:
// what a link has no room for is held, as long as there are slots (packet_slots.h); beyond that
// packets are lost, as IP allows.
//
// Peers may be hostile: of what comes the header is copied once and checked (packet_check.h), and
// only a packet from the sender's own address to ours reaches the kernel. Payload is the kernel's
// to doubt. Belongs to the thread that runs the loop.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "control/channel_loop/channel_loop.h"
#include "control/net/members.h"
#include "control/net/packet_check.h"
#include "control/net/packet_slots.h"
#include "control/net/tun_device.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {

struct PacketCounters {
  uint64_t sent = 0;
  uint64_t received = 0;
  uint64_t foreign = 0;     // Of our kernel, but not IP from our address; dropped.
  uint64_t to_nobody = 0;   // No member has the address; dropped, and our kernel is told.
  uint64_t overflowed = 0;  // The member is too slow; dropped.
  uint64_t refused = 0;     // Of a member, and not as it should be; dropped.
  uint64_t untaken = 0;     // Good, but our kernel did not take it.
};

class PacketCarrier final : public ChannelUser {
 public:
  using OnChange = std::function<void(const Members::Change&)>;

  // `slots`: in a buffer of `channel`; each has room for a frame of the interface. `channel`,
  // `tun` and `members` must outlive it. `address`: ours.
  PacketCarrier(Channel& channel, TunDevice& tun, Members& members, PacketSlots slots,
                uint32_t address, OnChange on_change);

  // There is something to read.
  void ReadInterface();

  // Of ChannelUser: to be called by the loop.
  bool Flush() override;
  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override;
  void OnReturned(EndpointId borrower, uint64_t cookie) override;
  void OnDeparted(EndpointId peer) override;

  const PacketCounters& Counters() const { return counters_; }

 private:
  struct Waiting {
    uint32_t slot = 0;
    size_t bytes = 0;
  };
  // A member that something was sent to; in peers_ as long as there is a link to it.
  struct Peer {
    EndpointId id;
    uint32_t held = 0;  // Slots that are lent to it, or wait for it.
    std::deque<Waiting> waiting;
  };
  enum class Sent { kCopied, kLent, kNot };

  void FollowMembers();
  void Carry(std::span<const std::byte> frame);
  void AnswerForNobody(const FrameHead& head, std::span<const std::byte> frame);
  Peer* FindPeer(uint32_t address);
  void SendOrHold(Peer& peer, std::span<const std::byte> frame);
  Sent Send(const Peer& peer, const Waiting& frame);
  bool TryCopy(const Peer& peer, std::span<const std::byte> frame);
  void SendWaiting(Peer& peer);
  void Refuse(EndpointId source, const char* why);

  Channel& channel_;
  TunDevice& tun_;
  Members& members_;
  PacketSlots slots_;
  const uint32_t address_;
  const OnChange on_change_;
  // Whether the kernel may read and write the region itself: not where a mapping wants a copy
  // routine of its own (transport/region/region_copy.h).
  const bool is_direct_;
  const size_t most_copied_bytes_;
  std::vector<std::byte> outgoing_;  // Where the interface's frame is, unless in a slot.
  std::vector<std::byte> incoming_;  // What was copied of a frame that arrives.
  int64_t refreshed_ns_ = 0;
  bool moved_ = false;                           // Something was sent since the last Flush().
  std::unordered_map<uint32_t, Peer> peers_;     // By endpoint index.
  std::unordered_map<uint32_t, uint32_t> told_;  // By endpoint index: of which incarnation a
                                                 // refusal was told.
  PacketCounters counters_;
};

}  // namespace tombolo::control
