#include "control/proto/convert.h"

#include <gtest/gtest.h>

#include "control/proto/membership.pb.h"
#include "control/registry/membership.h"
#include "control/registry/region_info.h"

namespace tombolo::control {
namespace {

constexpr char kUuid[] = "1b4e28ba-2fa1-41d2-883f-0016d3cca427";

EndpointInfo SomeEndpoint(uint32_t index) {
  return {{index, 3}, 2, 7, 4711, "rank", 1'700'000'000'123'456'789};
}

PeerInfo SomePeer() {
  return {2, PeerKind::kVm, PeerState::kReady, 5, "boot", 1'600'000'000'000'000'001, {}};
}

TEST(ConvertTest, PeerSurvivesTheRoundTrip) {
  PeerInfo peer = SomePeer();
  peer.endpoints = {SomeEndpoint(0), SomeEndpoint(9)};
  EXPECT_EQ(FromPeer(ToPeer(peer)), peer);
  peer.kind = PeerKind::kHost;
  peer.state = PeerState::kConnected;
  EXPECT_EQ(FromPeer(ToPeer(peer)), peer);
}

TEST(ConvertTest, TimesAreWallClockTimestamps) {
  const v1::Peer message = ToPeer(SomePeer());
  EXPECT_EQ(message.joined_at().seconds(), 1'600'000'000);
  EXPECT_EQ(message.joined_at().nanos(), 1);
}

TEST(ConvertTest, EveryKindOfEventSurvivesTheRoundTrip) {
  for (const EventKind kind :
       {EventKind::kBrokerReady, EventKind::kPeerRebooted, EventKind::kPeerLeft,
        EventKind::kEndpointAttached, EventKind::kEndpointGone}) {
    const MembershipEvent event{17, kind, SomePeer(), {SomeEndpoint(4)}};
    EXPECT_EQ(EventFrom(ToWatchResponse(event)), event);
  }
  const MembershipEvent joined{18, EventKind::kPeerJoined, SomePeer(), {}};
  EXPECT_EQ(EventFrom(ToWatchResponse(joined)), joined);
  EXPECT_EQ(SnapshotFrom(ToWatchResponse(joined)), std::nullopt);
}

TEST(ConvertTest, SnapshotSurvivesBothWaysOfTellingIt) {
  const MembershipSnapshot snapshot{99, {SomePeer()}};
  EXPECT_EQ(FromListResponse(ToListResponse(snapshot, kUuid)), snapshot);
  EXPECT_EQ(ToListResponse(snapshot, kUuid).region_uuid(), kUuid);
  const v1::WatchPeersResponse response = ToWatchResponse(snapshot, kUuid);
  EXPECT_EQ(SnapshotFrom(response), snapshot);
  EXPECT_EQ(response.snapshot().region_uuid(), kUuid);
  EXPECT_EQ(EventFrom(response), std::nullopt);
}

TEST(ConvertTest, RegionSurvivesTheRoundTrip) {
  const RegionInfo region{kUuid, 1 << 28, 16, 15, 1024, 1, 77, 12345};
  EXPECT_EQ(FromRegion(ToRegion(region)), region);
}

TEST(ConvertTest, ReasonOfANewerDaemonIsNoEvent) {
  v1::WatchPeersResponse response;
  response.mutable_changed()->set_reason(static_cast<v1::PeerChanged::Reason>(99));
  EXPECT_EQ(EventFrom(response), std::nullopt);
  EXPECT_EQ(EventFrom(v1::WatchPeersResponse()), std::nullopt);
}

}  // namespace
}  // namespace tombolo::control
