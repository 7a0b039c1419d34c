#include "control/daemon/admin_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/event_loop/event_loop.h"
#include "control/registry/membership.h"
#include "control/registry/registry.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr pid_t kPid = 4711;

class AdminDeskTest : public ::testing::Test {
 protected:
  AdminDeskTest() {
    registry_.OccupySlot(kHostSlot, PeerKind::kHost, 0).IgnoreError();
    registry_.BrokerReady(kHostSlot, "host").IgnoreError();
    registry_.OccupySlot(3, PeerKind::kVm, 0).IgnoreError();
    registry_.BrokerReady(3, "guest").IgnoreError();
  }

  AdminTools Tools() {
    return {.kill_machine = [this](uint32_t slot) { return Killed("machine", slot); },
            .kill_process = [this](EndpointId id) { return Killed("process", id.index); }};
  }

  absl::StatusOr<pid_t> Killed(const std::string& what, uint32_t which) {
    killed_.push_back(what + " " + std::to_string(which));
    return kPid;
  }

  // As gRPC is told; unset until the loop has turned.
  absl::Status EvictPeer(uint32_t slot, uint32_t incarnation) {
    std::optional<absl::Status> told;
    desk_->EvictPeer(slot, incarnation,
                     [&told](const absl::StatusOr<pid_t>& pid) { told = pid.status(); });
    EXPECT_FALSE(told.has_value());
    loop_->Poll();
    return told.value_or(absl::InternalError("nothing was told"));
  }

  absl::Status EvictEndpoint(EndpointId id) {
    std::optional<absl::Status> told;
    desk_->EvictEndpoint(id, [&told](const absl::StatusOr<pid_t>& pid) { told = pid.status(); });
    loop_->Poll();
    return told.value_or(absl::InternalError("nothing was told"));
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Create().value();
  Registry registry_;
  std::vector<std::string> killed_;
  std::unique_ptr<AdminDesk> desk_ = std::make_unique<AdminDesk>(*loop_, registry_, Tools());
};

TEST_F(AdminDeskTest, AnEvictedMachineIsKilledAndIsAMemberUntilItIsDead) {
  EXPECT_TRUE(EvictPeer(3, 1).ok());
  EXPECT_THAT(killed_, ElementsAre("machine 3"));
  EXPECT_TRUE(registry_.FindPeer(3).has_value());
}

TEST_F(AdminDeskTest, WhoCameLaterIsNotEvicted) {
  const absl::Status status = EvictPeer(3, 2);
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("1. time now"));
  EXPECT_TRUE(absl::IsNotFound(EvictPeer(4, 1)));
  EXPECT_THAT(killed_, IsEmpty());
}

TEST_F(AdminDeskTest, TheHostIsNotEvicted) {
  EXPECT_TRUE(absl::IsInvalidArgument(EvictPeer(kHostSlot, 1)));
  EXPECT_THAT(killed_, IsEmpty());
}

TEST_F(AdminDeskTest, AnEvictedProcessIsOneOfTheHost) {
  const EndpointId own = *registry_.AttachEndpoint({.slot = kHostSlot, .name = "rank"});
  const EndpointId guests = *registry_.AttachEndpoint({.slot = 3, .name = "rank", .pid = 77});
  EXPECT_TRUE(EvictEndpoint(own).ok());
  const absl::Status status = EvictEndpoint(guests);
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("process 77 of the virtual machine in slot 3"));
  EXPECT_TRUE(absl::IsNotFound(EvictEndpoint({own.index, own.incarnation + 1})));
  EXPECT_THAT(killed_, ElementsAre("process 0"));
}

TEST_F(AdminDeskTest, WhoWaitsWhenItStopsIsTold) {
  absl::Status told;
  desk_->EvictPeer(3, 1, [&told](const absl::StatusOr<pid_t>& pid) { told = pid.status(); });
  desk_->Stop();
  EXPECT_TRUE(absl::IsUnavailable(told)) << told;
  loop_->Poll();
  EXPECT_THAT(killed_, IsEmpty());
}

}  // namespace
}  // namespace tombolo::control
