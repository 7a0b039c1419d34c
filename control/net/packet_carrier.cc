#include "control/net/packet_carrier.h"

#include <algorithm>
#include <utility>

#include "control/net/subnet.h"
#include "control/net/unreachable.h"
#include "spdlog/spdlog.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/channel/tags.h"
#include "transport/layout/link.h"
#include "transport/region/region_copy.h"

namespace tombolo::control {
namespace {

// What a packet is marked with; none of AgentTag, which this endpoint understands too.
constexpr uint8_t kPacketTag = 16;
static_assert(kPacketTag > ToTag(AgentTag::kOfferTold));

// A frame of so many bytes is cheaper copied than lent. Less than what a link would want a chunk
// for.
constexpr size_t kMostCopiedBytes = 448;
// Where frames are copied in any case, as they are of a mapping that wants it: what is lent rings
// its lender when it is given back, and that is dear in a guest.
constexpr size_t kMostCopiedAnyway = kBulkChunkBytes;

// What is looked at of a packet to nobody: more than its header with options.
constexpr size_t kMostAnsweredBytes = 128;

// Packets of the interface between two looks at the region.
constexpr int kPacketsPerLook = 32;

// The member table is looked at no more often, whoever changes it as often as he can.
constexpr int64_t kRefreshNs = kNsPerMs;

}  // namespace

PacketCarrier::PacketCarrier(Channel& channel, TunDevice& tun, Members& members, PacketSlots slots,
                             uint32_t address, OnChange on_change)
    : channel_(channel),
      tun_(tun),
      members_(members),
      slots_(std::move(slots)),
      address_(address),
      on_change_(std::move(on_change)),
      is_direct_(channel.SharedRegion().Type() == MemoryType::kWriteBack),
      most_copied_bytes_(is_direct_ ? kMostCopiedBytes : kMostCopiedAnyway),
      outgoing_(is_direct_ ? 0 : slots_.Bytes(slots_.AtHand()).size()),
      incoming_(is_direct_ ? kMostCopiedBytes : kMostFrameBytes) {}

void PacketCarrier::FollowMembers() {
  if (!members_.IsOld() || MonotonicNs() - refreshed_ns_ < kRefreshNs) return;
  refreshed_ns_ = MonotonicNs();
  for (const Members::Change& change : members_.Refresh()) {
    if (change.member.id != channel_.Self()) on_change_(change);
  }
}

void PacketCarrier::ReadInterface() {
  FollowMembers();
  for (int i = 0; i < kPacketsPerLook; ++i) {
    const std::span<std::byte> room =
        is_direct_ ? slots_.Bytes(slots_.AtHand()) : std::span(outgoing_);
    const size_t bytes = tun_.Read(room);
    if (bytes == 0) return;
    Carry(room.first(bytes));
  }
}

void PacketCarrier::Carry(std::span<const std::byte> frame) {
  FrameHead head{};
  PacketEnds ends;
  // By a function of another file, so that the compiler cannot read twice what lies in the region.
  CopyOut(channel_.SharedRegion().Type(), head.data(),
          frame.first(std::min(frame.size(), head.size())));
  if (CheckFrame(head, frame.size(), ends) != PacketVerdict::kGood || ends.source != address_) {
    ++counters_.foreign;
    return;
  }
  Peer* peer = FindPeer(ends.destination);
  if (peer != nullptr) return SendOrHold(*peer, frame);
  ++counters_.to_nobody;
  if (IsMemberAddress(members_.Network(), ends.destination)) AnswerForNobody(head, frame);
}

void PacketCarrier::AnswerForNobody(const FrameHead& head, std::span<const std::byte> frame) {
  std::vector<std::byte> copy(std::min(frame.size(), kMostAnsweredBytes));
  CopyOut(channel_.SharedRegion().Type(), copy.data(), frame.first(copy.size()));
  // SUBTLE: the frame lies in the region, where others may have changed it since; lengths are those
  // that were checked.
  std::copy_n(head.begin(), std::min(head.size(), copy.size()), copy.begin());
  if (const auto answer = AnswerUnreachable(copy)) tun_.Write(*answer, {});
}

PacketCarrier::Peer* PacketCarrier::FindPeer(uint32_t address) {
  const std::optional<Member> member = members_.At(address);
  if (!member) return nullptr;
  const auto found = peers_.find(member->id.index);
  // Where its predecessor still is, OnDeparted() is about to come.
  if (found != peers_.end()) return found->second.id == member->id ? &found->second : nullptr;
  // Dead, dropped, or there is no memory for a link.
  if (!channel_.Open(member->id).ok()) return nullptr;
  Peer& peer = peers_[member->id.index];
  peer.id = member->id;
  return &peer;
}

void PacketCarrier::SendOrHold(Peer& peer, std::span<const std::byte> frame) {
  const uint32_t slot = slots_.AtHand();
  if (peer.waiting.empty() && frame.size() <= most_copied_bytes_ && TryCopy(peer, frame)) return;
  if (!slots_.MayHave(peer.held)) {
    ++counters_.overflowed;
    return;
  }
  if (!is_direct_) {
    CopyIn(channel_.SharedRegion().Type(), slots_.Bytes(slot).data(), frame);
  }
  slots_.Take();
  ++peer.held;
  peer.waiting.push_back({slot, frame.size()});
  SendWaiting(peer);
}

bool PacketCarrier::TryCopy(const Peer& peer, std::span<const std::byte> frame) {
  Claim claim;
  if (!channel_.TryClaim(peer.id, frame.size(), claim)) return false;
  CopyIn(channel_.SharedRegion().Type(), claim.payload.data(), frame);
  channel_.Publish(claim, kPacketTag, frame.size());
  ++counters_.sent;
  moved_ = true;
  return true;
}

PacketCarrier::Sent PacketCarrier::Send(const Peer& peer, const Waiting& frame) {
  if (frame.bytes <= most_copied_bytes_) {
    return TryCopy(peer, slots_.Bytes(frame.slot).first(frame.bytes)) ? Sent::kCopied : Sent::kNot;
  }
  const absl::StatusOr<LendResult> lent = channel_.TryLend(
      peer.id, slots_.Buffer(), slots_.Offset(frame.slot), frame.bytes, kPacketTag, frame.slot);
  if (!lent.ok() || *lent != LendResult::kLent) return Sent::kNot;
  ++counters_.sent;
  moved_ = true;
  return Sent::kLent;
}

void PacketCarrier::SendWaiting(Peer& peer) {
  while (!peer.waiting.empty()) {
    const Waiting packet = peer.waiting.front();
    const Sent sent = Send(peer, packet);
    if (sent == Sent::kNot) return;
    peer.waiting.pop_front();
    if (sent == Sent::kLent) continue;
    --peer.held;
    slots_.GiveBack(packet.slot);
  }
}

bool PacketCarrier::Flush() {
  FollowMembers();
  for (auto& [index, peer] : peers_) SendWaiting(peer);
  return std::exchange(moved_, false);
}

void PacketCarrier::OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) {
  if (tag != kPacketTag) return;
  const std::optional<uint32_t> from = members_.AddressOf(source);
  if (!from) return Refuse(source, "it is from nobody of this network");
  if (payload.size() < kLeastFrameBytes) return Refuse(source, Words(PacketVerdict::kTooShort));
  if (payload.size() > kMostFrameBytes) return Refuse(source, Words(PacketVerdict::kWrongLength));
  const bool is_whole = !is_direct_ || payload.size() <= kMostCopiedBytes;
  FrameHead head{};
  const size_t copied = is_whole ? payload.size() : head.size();
  CopyOut(channel_.SharedRegion().Type(), incoming_.data(), payload.first(copied));
  std::copy_n(incoming_.begin(), std::min(copied, head.size()), head.begin());
  const PacketVerdict verdict = CheckArrived(head, payload.size(), {*from, address_});
  if (verdict != PacketVerdict::kGood) return Refuse(source, Words(verdict));
  const bool is_taken = tun_.Write(std::span(incoming_).first(copied), payload.subspan(copied));
  ++(is_taken ? counters_.received : counters_.untaken);
}

void PacketCarrier::OnReturned(EndpointId borrower, uint64_t cookie) {
  slots_.GiveBack(static_cast<uint32_t>(cookie));
  const auto found = peers_.find(borrower.index);
  if (found != peers_.end() && found->second.id == borrower) --found->second.held;
}

void PacketCarrier::OnDeparted(EndpointId peer) {
  const auto found = peers_.find(peer.index);
  if (found == peers_.end() || found->second.id != peer) return;
  for (const Waiting& packet : found->second.waiting) slots_.GiveBack(packet.slot);
  peers_.erase(found);
}

void PacketCarrier::Refuse(EndpointId source, const char* why) {
  ++counters_.refused;
  const auto [told, is_first] = told_.emplace(source.index, source.incarnation);
  if (!is_first && told->second == source.incarnation) return;
  told->second = source.incarnation;
  spdlog::warn("a packet of endpoint {} (incarnation {}) is refused: {}; more of it are not told",
               source.index, source.incarnation, why);
}

}  // namespace tombolo::control
