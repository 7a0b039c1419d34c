#include "control/proto/convert.h"

#include <gtest/gtest.h>

#include <optional>

#include "control/proto/admin.pb.h"
#include "control/proto/admin_values.h"
#include "control/proto/convert_admin.h"
#include "control/proto/convert_regions.h"
#include "control/proto/membership.pb.h"
#include "control/proto/region_values.h"
#include "control/proto/services.pb.h"
#include "control/registry/membership.h"
#include "control/registry/region_info.h"
#include "control/registry/service_info.h"

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

TEST(ConvertTest, ServicesSurviveTheRoundTrip) {
  const ServiceInfo written{
      {.index = 3, .incarnation = 2, .name = "cache", .writer = {7, 9}, .maker_slot = 4},
      5,
      "owner"};
  const ServiceInfo waiting{{.index = 4, .incarnation = 1, .name = "other", .writer = {}}};
  ServiceInfo going = waiting;
  going.entry.is_going = true;
  const ServiceList list{{written, waiting, going}, kUuid};
  const v1::ListServicesResponse response = ToListResponse(list);
  EXPECT_EQ(response.services(0).state(), v1::SERVICE_STATE_WRITTEN);
  EXPECT_EQ(response.services(1).state(), v1::SERVICE_STATE_WAITING);
  EXPECT_FALSE(response.services(1).has_writer());
  EXPECT_EQ(response.services(2).state(), v1::SERVICE_STATE_GOING);
  EXPECT_EQ(FromListResponse(response).services, list.services);
  EXPECT_EQ(FromListResponse(response).region_uuid, kUuid);
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

TEST(ConvertTest, LogLevelsSurviveTheRoundTrip) {
  for (const LogLevel level : {LogLevel::kTrace, LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn,
                               LogLevel::kError, LogLevel::kOff}) {
    EXPECT_EQ(FromLogLevel(ToLogLevel(level)), level);
  }
  EXPECT_EQ(FromLogLevel(v1::LOG_LEVEL_UNSPECIFIED), std::nullopt);
  EXPECT_EQ(FromLogLevel(static_cast<v1::LogLevel>(99)), std::nullopt);
}

TEST(ConvertTest, FsckSurvivesTheRoundTrip) {
  const FsckSummary summary{.membership_epoch = 1,
                            .extent_bytes = 2,
                            .extents = 3,
                            .free_extents = 4,
                            .owned_extents = 5,
                            .quarantine_extents = 6,
                            .service_extents = 7,
                            .lost_extents = 8,
                            .changing_extents = 9,
                            .violations = {{"leak", 10, 11, "twelve"}},
                            .violations_left_out = 13};
  EXPECT_EQ(FromFsckResponse(ToFsckResponse(summary)), summary);
}

TEST(ConvertTest, RegionsSurviveTheRoundTrip) {
  ServedRegion region{.name = "blue",
                      .info = {.uuid = kUuid, .size_bytes = 1 << 20, .slots = 3, .vectors = 4},
                      .group = "kvm",
                      .folder = "/run/tombolo/blue",
                      .sockets = {"/run/tombolo/blue/broker.sock", "other"},
                      .memory_path = "/proc/3/fd/5",
                      .present = {.virtual_machines = 1, .endpoints = 2},
                      .joining = 6,
                      .dead_endpoints = 7,
                      .services = 8,
                      .draining = true,
                      .check = {}};
  EXPECT_EQ(FromServedRegion(ToServedRegion(region)), region);
  region.check = {.extents = 9, .free_extents = 10, .violations = 11};
  EXPECT_EQ(FromServedRegion(ToServedRegion(region)), region);
}

TEST(ConvertTest, AWantedRegionSurvivesTheRoundTrip) {
  const WantedRegion wanted{
      .name = "blue",
      .limits = {.size_bytes = 1 << 20, .slots = 3, .vectors = 4, .endpoints = 64},
      .huge_pages = true,
      .group = "kvm"};
  EXPECT_EQ(FromCreateRequest(ToCreateRequest(wanted)), wanted);
}

TEST(ConvertTest, StatisticsSurviveTheRoundTrip) {
  DaemonStatistics statistics;
  statistics.version = "1.2.3";
  statistics.started_unix_ns = 1'600'000'000'000'000'001;
  statistics.log_level = LogLevel::kWarn;
  statistics.draining = true;
  statistics.region.uuid = kUuid;
  statistics.present = {.virtual_machines = 2, .endpoints = 3};
  statistics.dead_endpoints = 4;
  statistics.services = 5;
  statistics.events = {6, 7, 8, 9, 10, 11};
  statistics.slots[12]["messages_sent"] = 13;
  statistics.cpu_seconds = 14.5;
  statistics.resident_bytes = 15;
  statistics.open_descriptors = 16;
  statistics.max_descriptors = 17;
  EXPECT_EQ(FromStatisticsResponse(ToStatisticsResponse(statistics)), statistics);
}

}  // namespace
}  // namespace tombolo::control
