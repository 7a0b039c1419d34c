// WatchPeers over a real server and client.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "control/proto/membership.pb.h"
#include "control/registry/membership.h"
#include "control/registry/registry.h"
#include "tests/control/service/served_registry.h"
#include "tests/control/service/watch_client.h"

namespace tombolo::control {
namespace {

using ::testing::HasSubstr;

constexpr RegistryLimits kLimits = {.history_events = 8};

class WatchPeersTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(served_.Serve().ok()); }

  Registry& Members() { return served_.Members(); }

  ServedRegistry served_{kLimits};
};

TEST_F(WatchPeersTest, BeginsWithASnapshotThatNamesTheRegion) {
  WatchClient watch(served_.OperatorPath(), 0);
  const v1::WatchPeersResponse first = watch.Next();
  EXPECT_EQ(first.revision(), 2u);
  ASSERT_TRUE(first.has_snapshot());
  EXPECT_EQ(first.snapshot().region_uuid(), kTestRegionUuid);
  ASSERT_EQ(first.snapshot().peers_size(), 1);
  EXPECT_EQ(first.snapshot().peers(0).kind(), v1::PEER_KIND_HOST);
}

TEST_F(WatchPeersTest, TellsJoinReadyAttachGoneRebootAndLeave) {
  WatchClient watch(served_.OperatorPath(), 0);
  ASSERT_TRUE(watch.Next().has_snapshot());

  ASSERT_TRUE(Members().OccupySlot(3, PeerKind::kVm, 0).ok());
  v1::WatchPeersResponse told = watch.Next();
  EXPECT_EQ(told.revision(), 3u);
  EXPECT_EQ(told.joined().peer().slot(), 3u);
  EXPECT_EQ(told.joined().peer().state(), v1::PEER_STATE_CONNECTED);

  ASSERT_TRUE(Members().BrokerReady(3, "first").ok());
  told = watch.Next();
  EXPECT_EQ(told.changed().reason(), v1::PeerChanged::REASON_BROKER_READY);
  EXPECT_EQ(told.changed().peer().state(), v1::PEER_STATE_READY);

  const EndpointId id = Members().AttachEndpoint({.slot = 3, .name = "rank", .pid = 9}).value();
  told = watch.Next();
  EXPECT_EQ(told.changed().reason(), v1::PeerChanged::REASON_ENDPOINT_ATTACHED);
  ASSERT_EQ(told.changed().endpoints_size(), 1);
  EXPECT_EQ(told.changed().endpoints(0).name(), "rank");

  ASSERT_TRUE(Members().EndpointGone(id).ok());
  told = watch.Next();
  EXPECT_EQ(told.changed().reason(), v1::PeerChanged::REASON_ENDPOINT_GONE);
  EXPECT_EQ(told.changed().endpoints(0).incarnation(), id.incarnation);

  ASSERT_TRUE(Members().BrokerReady(3, "second").ok());
  told = watch.Next();
  EXPECT_EQ(told.changed().reason(), v1::PeerChanged::REASON_REBOOTED);
  EXPECT_EQ(told.changed().peer().boot_id(), "second");

  ASSERT_TRUE(Members().VacateSlot(3).ok());
  told = watch.Next();
  EXPECT_EQ(told.revision(), 8u);
  EXPECT_EQ(told.left().peer().slot(), 3u);
}

TEST_F(WatchPeersTest, ResumeTellsExactlyWhatWasMissed) {
  served_.PlugReady(1);
  WatchClient watch(served_.OperatorPath(), 3, kTestRegionUuid);
  v1::WatchPeersResponse told = watch.Next();
  EXPECT_EQ(told.revision(), 4u);
  EXPECT_EQ(told.changed().reason(), v1::PeerChanged::REASON_BROKER_READY);
  ASSERT_TRUE(Members().VacateSlot(1).ok());
  told = watch.Next();
  EXPECT_EQ(told.revision(), 5u);
  EXPECT_TRUE(told.has_left());
}

TEST_F(WatchPeersTest, ResumeFromTheLatestRevisionWaitsForTheNext) {
  WatchClient watch(served_.OperatorPath(), Members().Revision());
  served_.PlugReady(1);
  EXPECT_EQ(watch.Next().revision(), 3u);
}

TEST_F(WatchPeersTest, ForgottenRevisionIsOutOfRangeAndASnapshotHelps) {
  for (uint32_t slot = 1; slot <= 5; ++slot) served_.PlugReady(slot);
  WatchClient late(served_.OperatorPath(), 1);
  EXPECT_EQ(late.Next().revision(), 0u);
  const grpc::Status status = late.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_THAT(status.error_message(), HasSubstr("Ask again with 0"));
  WatchClient again(served_.OperatorPath(), 0);
  EXPECT_EQ(again.Next().snapshot().peers_size(), 6);
}

TEST_F(WatchPeersTest, RevisionOfAnotherRegionIsOutOfRange) {
  WatchClient watch(served_.OperatorPath(), 2, "7d444840-9dc0-11d1-b245-5ffdce74fad2");
  EXPECT_EQ(watch.Next().revision(), 0u);
  const grpc::Status status = watch.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_THAT(status.error_message(), HasSubstr("started anew"));
}

TEST_F(WatchPeersTest, GuestsMayWatchToo) {
  WatchClient watch(served_.GuestPath(), 0);
  EXPECT_TRUE(watch.Next().has_snapshot());
}

TEST_F(WatchPeersTest, ManyWatchersAllSeeEveryEventInOrder) {
  std::vector<std::unique_ptr<WatchClient>> watchers;
  for (int i = 0; i < 20; ++i) {
    watchers.push_back(std::make_unique<WatchClient>(served_.OperatorPath(), 0));
    ASSERT_TRUE(watchers.back()->Next().has_snapshot());
  }
  for (uint32_t slot = 1; slot <= 3; ++slot) served_.PlugReady(slot);
  for (const auto& watch : watchers) {
    for (uint64_t revision = 3; revision <= 8; ++revision) {
      ASSERT_EQ(watch->Next().revision(), revision);
    }
  }
}

// Endpoints come and go until the buffers of a watcher that does not read are full, and further.
TEST_F(WatchPeersTest, WatcherThatDoesNotReadIsOvertakenAndMayResume) {
  served_.PlugReady(1);
  WatchClient slow(served_.OperatorPath(), 0);
  ASSERT_TRUE(slow.Next().has_snapshot());
  for (int i = 0; i < 20'000; ++i) {
    const EndpointId id = Members().AttachEndpoint({.slot = 1, .name = "e"}).value();
    ASSERT_TRUE(Members().EndpointGone(id).ok());
    ASSERT_TRUE(Members().Recycle(id).ok());
  }
  uint64_t revision = 4;
  for (v1::WatchPeersResponse told = slow.Next(); told.revision() != 0; told = slow.Next()) {
    ASSERT_EQ(told.revision(), ++revision);
  }
  EXPECT_EQ(slow.Finish().error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_LT(revision, Members().Revision());
}

TEST_F(WatchPeersTest, TooManyWatchersAreRefusedUntilOneEnds) {
  std::vector<std::unique_ptr<WatchClient>> watchers;
  for (int i = 0; i < 128; ++i) {
    watchers.push_back(std::make_unique<WatchClient>(served_.GuestPath(), 0));
    ASSERT_TRUE(watchers.back()->Next().has_snapshot()) << i;
  }
  WatchClient refused(served_.GuestPath(), 0);
  EXPECT_EQ(refused.Next().revision(), 0u);
  const grpc::Status status = refused.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("128 watchers"));
  WatchClient other_audience(served_.OperatorPath(), 0);
  EXPECT_TRUE(other_audience.Next().has_snapshot());
}

TEST_F(WatchPeersTest, ShutdownEndsWatchersAtOnceWithUnavailable) {
  WatchClient operators(served_.OperatorPath(), 0);
  WatchClient guests(served_.GuestPath(), 0);
  ASSERT_TRUE(operators.Next().has_snapshot());
  ASSERT_TRUE(guests.Next().has_snapshot());
  const auto start = std::chrono::steady_clock::now();
  served_.Server().Shutdown();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(900));
  EXPECT_EQ(operators.Next().revision(), 0u);
  const grpc::Status status = operators.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("stopping"));
}

}  // namespace
}  // namespace tombolo::control
