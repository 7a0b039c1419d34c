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
#include "control/http/daemon_status.h"
#include "control/proto/admin_values.h"
#include "control/registry/membership.h"
#include "control/registry/registry.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/fsck/region_report.h"

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
            .kill_process = [this](EndpointId id) { return Killed("process", id.index); },
            .keep_draining =
                [this](bool draining) {
                  kept_.push_back(draining);
                  return keeping_;
                },
            .check_region = [this] { return report_; },
            .look =
                [] {
                  DaemonStatus status;
                  status.totals.events[1] = 7;
                  status.totals.slots[3].fill(9);
                  return status;
                }};
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
  absl::StatusOr<Remaining> Drain(bool draining) {
    absl::StatusOr<Remaining> told = absl::InternalError("nothing was told");
    desk_->SetDraining(draining, [&told](absl::StatusOr<Remaining> left) { told = left; });
    loop_->Poll();
    return told;
  }

  std::vector<std::string> killed_;
  std::vector<bool> kept_;
  absl::Status keeping_;
  RegionReport report_;
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

TEST_F(AdminDeskTest, DrainingIsKeptAndTellsWhoIsThere) {
  ASSERT_TRUE(registry_.AttachEndpoint({.slot = 3, .name = "rank"}).ok());
  EXPECT_EQ(Drain(true).value(), (Remaining{.virtual_machines = 1, .endpoints = 1}));
  EXPECT_TRUE(registry_.IsDraining());
  const absl::Status late = registry_.AttachEndpoint({.slot = 3, .name = "late"}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(late)) << late;
  EXPECT_TRUE(Drain(true).ok());
  EXPECT_TRUE(Drain(false).ok());
  EXPECT_TRUE(registry_.AttachEndpoint({.slot = 3, .name = "late"}).ok());
  EXPECT_THAT(kept_, ElementsAre(true, false));
}

TEST_F(AdminDeskTest, WhatCannotBeKeptIsNotPromised) {
  keeping_ = absl::UnavailableError("the holder is gone");
  EXPECT_TRUE(absl::IsUnavailable(Drain(true).status()));
  EXPECT_FALSE(registry_.IsDraining());
}

TEST_F(AdminDeskTest, LogLevelIsToldAndChanged) {
  const LogLevel before = desk_->SetLogLevel(std::nullopt).now;
  EXPECT_EQ(desk_->SetLogLevel(LogLevel::kTrace).before, before);
  EXPECT_EQ(desk_->SetLogLevel(std::nullopt).now, LogLevel::kTrace);
  EXPECT_EQ(desk_->SetLogLevel(before).before, LogLevel::kTrace);
}

TEST_F(AdminDeskTest, FsckOfABrokenRegionFitsIntoAnAnswer) {
  report_.extent_count = 7;
  report_.violations_left_out = 5;
  report_.violations.assign(kMaxViolations, {.kind = ViolationKind::kLeak, .text = "a\x1b leak"});
  const FsckSummary summary = desk_->Fsck();
  EXPECT_EQ(summary.extents, 7u);
  ASSERT_EQ(summary.violations.size(), 100u);
  EXPECT_EQ(summary.violations[0].kind, "leak");
  EXPECT_EQ(summary.violations[0].text, "a? leak");
  EXPECT_EQ(summary.violations_left_out, kMaxViolations - 100 + 5);
}

TEST_F(AdminDeskTest, StatisticsTellOfTheRegistryAndOfWhatWasCounted) {
  ASSERT_TRUE(registry_.AttachEndpoint({.slot = 3, .name = "rank"}).ok());
  DaemonStatistics told;
  desk_->ReadStatistics(
      [&told](const absl::StatusOr<DaemonStatistics>& statistics) { told = statistics.value(); });
  loop_->Poll();
  EXPECT_EQ(told.present, (Remaining{.virtual_machines = 1, .endpoints = 1}));
  EXPECT_EQ(told.events.ready, 7u);
  EXPECT_EQ(told.events.joined, 0u);
  EXPECT_EQ(told.slots.at(3).at("messages_sent"), 9u);
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
