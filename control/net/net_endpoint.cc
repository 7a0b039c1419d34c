#include "control/net/net_endpoint.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/net/packet_check.h"
#include "control/net/packet_slots.h"
#include "control/net/subnet.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/region/region.h"

namespace tombolo::control {
namespace {

// One receiver holds at most half of them: what TCP has on its way before it finds out how much
// that may be.
constexpr uint64_t kMostHeldBytes = 8 * kMiB;
constexpr uint64_t kMostSlots = 512;
constexpr uint64_t kLeastSlots = 4;
// All members together leave most of the region to others.
constexpr uint64_t kRegionPerPackets = 16;

absl::StatusOr<PacketSlots> MakeSlots(Channel& channel, uint32_t mtu_bytes) {
  const uint64_t frame_bytes = mtu_bytes + kOffloadBytes;
  const uint64_t slot_bytes = (frame_bytes + kExtentBytes - 1) / kExtentBytes * kExtentBytes;
  const uint64_t share =
      std::min(kMostHeldBytes, channel.SharedRegion().Limits().region_bytes / kRegionPerPackets);
  const uint64_t slots = std::clamp(share / slot_bytes, kLeastSlots, kMostSlots);
  const absl::StatusOr<RegionBuffer> buffer = channel.Allocate(slots * slot_bytes);
  if (!buffer.ok()) return buffer.status();
  return PacketSlots(*buffer, slot_bytes);
}

// Of two with one address the one that has the lower index stays.
absl::Status CheckAlone(const Members& members, uint32_t address, EndpointId self) {
  const std::optional<Member> holder = members.At(address);
  if (!holder || holder->id == self) return absl::OkStatus();
  return absl::AlreadyExistsError(
      absl::StrCat(AddressText(address), " is the address of endpoint ", holder->id.index,
                   " of this slot already; end that one, or take another number (--number)."));
}

}  // namespace

absl::StatusOr<std::unique_ptr<NetEndpoint>> NetEndpoint::Create(EventLoop& loop,
                                                                 std::unique_ptr<Endpoint> endpoint,
                                                                 const NetOptions& options) {
  const Subnet& subnet = options.name.subnet;
  absl::Status room = CheckRoom(subnet, endpoint->SharedRegion().Limits().slot_count);
  if (!room.ok()) return room;
  const auto address = MemberAddress(subnet, endpoint->Slot(), options.name.number);
  if (!address) {
    return absl::InvalidArgumentError(absl::StrCat("there is no member ", options.name.number,
                                                   "; expected 1 to ", kMaxMemberNumber, "."));
  }
  std::unique_ptr<NetEndpoint> made(new NetEndpoint(std::move(endpoint), options, *address));
  if (absl::Status status = made->Begin(loop, options); !status.ok()) return status;
  return made;
}

NetEndpoint::NetEndpoint(std::unique_ptr<Endpoint> endpoint, const NetOptions& options,
                         uint32_t address)
    : endpoint_(std::move(endpoint)),
      address_(address),
      members_(endpoint_->SharedRegion(), options.name.subnet) {}

absl::Status NetEndpoint::Begin(EventLoop& loop, const NetOptions& options) {
  for (const Members::Change& change : members_.Refresh()) {
    if (change.member.id != endpoint_->Id()) options.on_change(change);
  }
  absl::Status alone = CheckAlone(members_, address_, endpoint_->Id());
  if (!alone.ok()) return alone;
  absl::StatusOr<TunDevice> tun = TunDevice::Create({.interface = options.interface,
                                                     .address = address_,
                                                     .subnet = options.name.subnet,
                                                     .mtu_bytes = options.mtu_bytes});
  if (!tun.ok()) return tun.status();
  tun_ = std::make_unique<TunDevice>(*std::move(tun));
  absl::StatusOr<std::unique_ptr<ChannelLoop>> channel_loop =
      ChannelLoop::Create(loop, *endpoint_, nullptr);
  if (!channel_loop.ok()) return channel_loop.status();
  channel_loop_ = *std::move(channel_loop);
  absl::StatusOr<PacketSlots> slots = MakeSlots(channel_loop_->Messages(), options.mtu_bytes);
  if (!slots.ok()) return slots.status();
  carrier_ = std::make_unique<PacketCarrier>(channel_loop_->Messages(), *tun_, members_,
                                             *std::move(slots), address_, options.on_change);
  channel_loop_->SetUser(*carrier_);
  absl::StatusOr<std::unique_ptr<BrokerWatch>> broker =
      BrokerWatch::Create(loop, *endpoint_, *channel_loop_);
  if (!broker.ok()) return broker.status();
  broker_watch_ = *std::move(broker);
  absl::StatusOr<Watch> watch = loop.WatchReadable(tun_->Fd(), [this] { ReadInterface(); });
  if (!watch.ok()) return watch.status();
  interface_watch_ = *std::move(watch);
  return absl::OkStatus();
}

void NetEndpoint::ReadInterface() {
  carrier_->ReadInterface();
  if (!tun_->IsGone()) return;
  interface_watch_.Reset();
  Stop();
}

absl::Status NetEndpoint::Run() {
  channel_loop_->Run();
  if (tun_->IsGone()) {
    return absl::AbortedError("somebody has removed the interface; nothing can be carried.");
  }
  return broker_watch_->Verdict();
}

}  // namespace tombolo::control
