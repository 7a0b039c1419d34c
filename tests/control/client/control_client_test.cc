#include "control/client/control_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <fstream>
#include <optional>
#include <variant>

#include "absl/status/status.h"
#include "control/client/admin_client.h"
#include "control/proto/admin_values.h"
#include "control/registry/membership.h"
#include "control/registry/registry.h"
#include "control/registry/service_info.h"
#include "tests/control/service/served_registry.h"
#include "transport/base/unique_fd.h"
#include "transport/base/unix_socket.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Words(const absl::Status& status) { return std::string(status.message()); }

class ControlClientTest : public ::testing::Test {
 protected:
  ServedRegistry served_;
};

TEST_F(ControlClientTest, ListsWhatTheRegistryHolds) {
  served_.PlugReady(2);
  ASSERT_TRUE(served_.Members().AttachEndpoint({.slot = 2, .name = "a", .now_unix_ns = 5}).ok());
  ASSERT_TRUE(served_.Serve().ok());
  const absl::StatusOr<PeerList> list = ControlClient(served_.OperatorPath()).ListPeers();
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->snapshot, served_.Members().Snapshot());
  EXPECT_EQ(list->region_uuid, kTestRegionUuid);
}

TEST_F(ControlClientTest, DescribesTheRegion) {
  ASSERT_TRUE(served_.Serve().ok());
  EXPECT_EQ(ControlClient(served_.GuestPath()).GetRegion().value(), served_.View().Region());
}

TEST_F(ControlClientTest, DescribesOnePeerAsAListOfOne) {
  served_.PlugReady(2);
  ASSERT_TRUE(served_.Serve().ok());
  ControlClient client(served_.OperatorPath());
  const absl::StatusOr<PeerList> list = client.DescribePeer(2);
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_EQ(list->snapshot.peers.size(), 1u);
  EXPECT_EQ(list->snapshot.peers[0], *served_.Members().FindPeer(2));
  EXPECT_EQ(list->snapshot.revision, served_.Members().Revision());
  EXPECT_EQ(list->region_uuid, kTestRegionUuid);
  EXPECT_TRUE(absl::IsNotFound(client.DescribePeer(3).status()));
}

TEST_F(ControlClientTest, ListsTheServices) {
  served_.PlugReady(2);
  const EndpointId writer = *served_.Members().AttachEndpoint({.slot = 2, .name = "owner"});
  ASSERT_TRUE(served_.Members().OpenService("cache", writer).ok());
  served_.View().SetServices(served_.Members().Services());
  ASSERT_TRUE(served_.Serve().ok());
  const absl::StatusOr<ServiceList> list = ControlClient(served_.GuestPath()).ListServices();
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->services, served_.View().Services().services);
  ASSERT_EQ(list->services.size(), 1u);
  EXPECT_EQ(list->services[0].writer_name, "owner");
}

TEST_F(ControlClientTest, AdministratorsAreAnswered) {
  ASSERT_TRUE(served_.Serve().ok());
  AdminClient client(served_.OperatorPath());
  const auto levels = client.SetLogLevel(LogLevel::kDebug);
  ASSERT_TRUE(levels.ok()) << levels.status();
  EXPECT_EQ(levels->now, LogLevel::kDebug);
  EXPECT_EQ(levels->before, LogLevel::kWarn);
  EXPECT_EQ(client.SetLogLevel(std::nullopt)->now, LogLevel::kWarn);
  EXPECT_EQ(client.Drain().value(), (Remaining{.virtual_machines = 3, .endpoints = 5}));
  EXPECT_TRUE(client.Undrain().ok());
  EXPECT_EQ(client.Fsck().value(), served_.Actions().Fsck());
  EXPECT_EQ(client.GetStatistics()->slots.at(3).at("messages_sent"), 17u);
}

TEST_F(ControlClientTest, GuestsAreNoAdministrators) {
  ASSERT_TRUE(served_.Serve().ok());
  AdminClient client(served_.GuestPath());
  EXPECT_TRUE(absl::IsPermissionDenied(client.Drain().status()));
  EXPECT_TRUE(absl::IsPermissionDenied(client.Undrain()));
}

TEST_F(ControlClientTest, WatchFollowsTheRegistryUntilItHasSeenEnough) {
  ASSERT_TRUE(served_.Serve().ok());
  MembershipSnapshot replica;
  ControlClient client(served_.OperatorPath());
  const absl::Status ended =
      client.WatchPeers(0, "", [&](const ControlClient::WatchUpdate& update) {
        if (const auto* list = std::get_if<PeerList>(&update)) {
          replica = list->snapshot;
          served_.PlugReady(1);
          EXPECT_TRUE(served_.Members().VacateSlot(1).ok());
          return true;
        }
        EXPECT_TRUE(Apply(std::get<MembershipEvent>(update), replica));
        return replica.revision < 5;
      });
  EXPECT_TRUE(ended.ok()) << ended;
  EXPECT_EQ(replica, served_.Members().Snapshot());
}

TEST_F(ControlClientTest, RevisionOfTheFutureIsOutOfRange) {
  ASSERT_TRUE(served_.Serve().ok());
  const absl::Status status =
      ControlClient(served_.OperatorPath()).WatchPeers(99, "", [](const auto&) { return true; });
  EXPECT_TRUE(absl::IsOutOfRange(status)) << status;
}

TEST_F(ControlClientTest, MissingSocketSaysHowToStartTheDaemon) {
  const absl::Status status = ControlClient(served_.OperatorPath()).ListPeers().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(
      Words(status),
      AllOf(HasSubstr("no tombolod answers at unix:" + served_.OperatorPath()),
            HasSubstr("tombolod --runtime-dir " + served_.Folder()), HasSubstr("--runtime-dir")));
}

TEST_F(ControlClientTest, DaemonThatCameUpSinceIsFoundAtOnce) {
  ControlClient client(served_.OperatorPath());
  ASSERT_TRUE(absl::IsUnavailable(client.ListPeers().status()));
  ASSERT_TRUE(served_.Serve().ok());
  EXPECT_TRUE(client.ListPeers().ok());
}

TEST_F(ControlClientTest, FileThatIsNoSocketIsNoDaemon) {
  std::ofstream(served_.OperatorPath()) << "x";
  const absl::Status status = ControlClient(served_.OperatorPath()).GetRegion().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

TEST_F(ControlClientTest, DaemonThatEndsIsSaidToTheWatcher) {
  ASSERT_TRUE(served_.Serve().ok());
  const absl::Status status =
      ControlClient(served_.OperatorPath()).WatchPeers(0, "", [&](const auto&) {
        served_.Server().Shutdown();
        return true;
      });
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

TEST_F(ControlClientTest, SocketThatNeverAnswersRunsIntoTheDeadline) {
  const absl::StatusOr<UniqueFd> mute = ListenUnix(served_.OperatorPath(), SOCK_STREAM, 0600);
  ASSERT_TRUE(mute.ok());
  ControlClient client(served_.OperatorPath(), std::chrono::milliseconds(100));
  const absl::Status status = client.ListPeers().status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_THAT(Words(status), HasSubstr("within 100 ms"));
}

}  // namespace
}  // namespace tombolo::control
