#include "control/service/membership_view.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "absl/status/status.h"
#include "control/registry/membership.h"
#include "control/registry/registry.h"
#include "control/registry/service_info.h"
#include "control/registry/service_table.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {
namespace {

class MembershipViewTest : public ::testing::Test {
 protected:
  MembershipViewTest() : view_({.history_events = 4}) {
    registry_.AddObserver([this](const MembershipEvent& event) { view_.Publish(event); });
  }

  void Churn() {
    ASSERT_TRUE(registry_.OccupySlot(1, PeerKind::kVm, 0).ok());
    ASSERT_TRUE(registry_.VacateSlot(1).ok());
  }

  Registry registry_;
  MembershipView view_;
};

TEST_F(MembershipViewTest, HoldsWhatTheRegistryHolds) {
  EXPECT_EQ(view_.Snapshot(), registry_.Snapshot());
  ASSERT_TRUE(registry_.OccupySlot(3, PeerKind::kVm, 0).ok());
  EXPECT_EQ(view_.Snapshot(), registry_.Snapshot());
  EXPECT_EQ(view_.Region().membership_epoch, 1u);
}

TEST_F(MembershipViewTest, EventsAreFoundOneAfterTheOther) {
  Churn();
  EXPECT_EQ(view_.EventAfter(0).value()->kind, EventKind::kPeerJoined);
  EXPECT_EQ(view_.EventAfter(1).value()->kind, EventKind::kPeerLeft);
  EXPECT_EQ(view_.EventAfter(2).value(), std::nullopt);
}

TEST_F(MembershipViewTest, OvertakenFollowerIsOutOfRange) {
  for (int i = 0; i < 3; ++i) Churn();
  EXPECT_TRUE(absl::IsOutOfRange(view_.EventAfter(1).status()));
  EXPECT_EQ(view_.EventAfter(2).value()->revision, 3u);
}

TEST_F(MembershipViewTest, ViewThatStartsLateGoesOnFromItsSnapshot) {
  Churn();
  MembershipView late({.start = registry_.Snapshot()});
  registry_.AddObserver([&](const MembershipEvent& event) { late.Publish(event); });
  Churn();
  EXPECT_EQ(late.Snapshot(), registry_.Snapshot());
  EXPECT_TRUE(absl::IsOutOfRange(late.EventAfter(1).status()));
  EXPECT_EQ(late.EventAfter(2).value()->revision, 3u);
}

TEST_F(MembershipViewTest, ServicesAreToldWithWhoWritesThem) {
  registry_.SetKeeper([this] { view_.SetServices(registry_.Services()); });
  ASSERT_TRUE(registry_.OccupySlot(3, PeerKind::kVm, 0).ok());
  ASSERT_TRUE(registry_.BrokerReady(3, "boot").ok());
  const EndpointId writer = *registry_.AttachEndpoint({.slot = 3, .name = "owner"});
  ASSERT_TRUE(registry_.OpenService("cache", writer).ok());
  ServiceList list = view_.Services();
  ASSERT_EQ(list.services.size(), 1u);
  EXPECT_EQ(list.services[0].entry, registry_.Services()[0]);
  EXPECT_EQ(list.services[0].writer_slot, 3u);
  EXPECT_EQ(list.services[0].writer_name, "owner");
  // Nobody is told to be its writer who is no member any more, or not yet.
  ASSERT_TRUE(registry_.EndpointGone(writer).ok());
  list = view_.Services();
  ASSERT_EQ(list.services.size(), 1u);
  EXPECT_EQ(list.services[0].entry.writer, EndpointId{});
  EXPECT_EQ(list.services[0].writer_name, "");
}

TEST_F(MembershipViewTest, EachChangeOfAServiceIsAnEvent) {
  using Kind = ServiceEvent::Kind;
  registry_.SetKeeper([this] { view_.SetServices(registry_.Services()); });
  int heard = 0;
  ASSERT_TRUE(registry_.OccupySlot(3, PeerKind::kVm, 0).ok());
  ASSERT_TRUE(registry_.BrokerReady(3, "boot").ok());
  const EndpointId writer = *registry_.AttachEndpoint({.slot = 3, .name = "owner"});
  view_.AddListener([&] { ++heard; });
  ASSERT_TRUE(registry_.OpenService("cache", writer).ok());
  EXPECT_EQ(heard, 1);
  ASSERT_TRUE(registry_.OpenService("cache", writer).ok());
  EXPECT_EQ(heard, 1) << "it is its writer already";
  ASSERT_TRUE(registry_.EndpointGone(writer).ok());
  ASSERT_TRUE(registry_.CloseService("cache").ok());
  registry_.ServiceGone(0);
  EXPECT_EQ(view_.Services().revision, 4u);
  const auto appeared = view_.ServiceEventAfter(0).value();
  EXPECT_EQ(appeared->kind, Kind::kAppeared);
  EXPECT_EQ(appeared->service.writer_name, "owner");
  const auto waiting = view_.ServiceEventAfter(1).value();
  EXPECT_EQ(waiting->kind, Kind::kChanged);
  EXPECT_EQ(waiting->service.entry.writer, EndpointId{});
  EXPECT_TRUE(view_.ServiceEventAfter(2).value()->service.entry.is_going);
  EXPECT_EQ(view_.ServiceEventAfter(3).value()->kind, Kind::kGone);
  EXPECT_EQ(view_.ServiceEventAfter(4).value(), std::nullopt);
}

// One that takes the place of another in its index is another one.
TEST_F(MembershipViewTest, AServiceThatFollowsAnotherHasTwoEvents) {
  const ServiceEntry first{.index = 5, .incarnation = 1, .name = "a", .writer = {}};
  ServiceEntry second = first;
  second.incarnation = 2;
  view_.SetServices({first});
  view_.SetServices({second});
  EXPECT_EQ(view_.ServiceEventAfter(1).value()->kind, ServiceEvent::Kind::kGone);
  EXPECT_EQ(view_.ServiceEventAfter(2).value()->kind, ServiceEvent::Kind::kAppeared);
  EXPECT_EQ(view_.Services().revision, 3u);
}

TEST_F(MembershipViewTest, RevisionsOfServicesBeginWhereTheyAreToldTo) {
  MembershipView view({.history_events = 2, .first_service_revision = 1000});
  EXPECT_TRUE(absl::IsOutOfRange(view.ServiceEventAfter(999).status())) << "a former daemon's";
  EXPECT_EQ(view.ServiceEventAfter(1000).value(), std::nullopt);
  for (uint32_t i = 1; i <= 3; ++i) {
    view.SetServices(
        {{.index = 0, .incarnation = 1, .name = "a", .writer = {i, 1}, .maker_slot = i}});
  }
  EXPECT_TRUE(absl::IsOutOfRange(view.ServiceEventAfter(1000).status())) << "forgotten";
  EXPECT_EQ(view.ServiceEventAfter(1001).value()->revision, 1002u);
}

TEST_F(MembershipViewTest, FreeBytesAreAskedForEachTime) {
  uint64_t free_bytes = 1;
  const MembershipView view({.free_bytes = [&] { return free_bytes; }});
  EXPECT_EQ(view.Region().free_bytes, 1u);
  free_bytes = 2;
  EXPECT_EQ(view.Region().free_bytes, 2u);
}

TEST_F(MembershipViewTest, ListenerHearsOfEachEventUntilItIsRemoved) {
  int heard = 0;
  const int token = view_.AddListener([&] { ++heard; });
  Churn();
  EXPECT_EQ(heard, 2);
  view_.RemoveListener(token);
  Churn();
  EXPECT_EQ(heard, 2);
}

// For TSan: readers in other threads while the loop publishes.
TEST_F(MembershipViewTest, ReadersNeverSeeHalfAnEvent) {
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        const MembershipSnapshot snapshot = view_.Snapshot();
        // Odd revisions follow a join, even ones a leave.
        EXPECT_EQ(snapshot.peers.size(), snapshot.revision % 2);
        view_.EventAfter(snapshot.revision).status().IgnoreError();
      }
    });
  }
  for (int i = 0; i < 2'000; ++i) Churn();
  done = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace tombolo::control
