#include "control/client/control_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <fstream>
#include <variant>

#include "absl/status/status.h"
#include "control/registry/membership.h"
#include "control/registry/registry.h"
#include "tests/control/service/served_registry.h"
#include "transport/base/unique_fd.h"
#include "transport/base/unix_socket.h"

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
