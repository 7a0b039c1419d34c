#include "control/daemon/daemon.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/client/control_client.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "control/holder/descriptor_store.h"
#include "control/ivshmem_server/ivshmem_server.h"
#include "control/registry/membership.h"
#include "control/registry/region_info.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/control/ivshmem_server/raw_client.h"
#include "transport/base/units.h"
#include "transport/device/mapping.h"
#include "transport/layout/member_table.h"
#include "transport/region/region.h"

namespace tombolo::control {
namespace {

constexpr uint32_t kSlots = 4;
constexpr uint32_t kVectors = 3;
constexpr int64_t kTestDeadlineNs = 20 * kNsPerSecond;

// Of slot 1's handshake: version, slot, region, then slots 0, 2, 3, 1.
constexpr size_t kRegionMessage = 2;
constexpr size_t kHostVectorZeroMessage = 3;
constexpr size_t kOwnVectorZeroMessage = kHostVectorZeroMessage + (kSlots - 1) * kVectors;

class DaemonTest : public testing::Test {
 protected:
  DaemonTest() {
    EXPECT_NE(mkdtemp(parent_.data()), nullptr);
    options_ = {.runtime_dir = parent_ + "/run",
                .limits = {.region_bytes = 4 * kMiB,
                           .slot_count = kSlots,
                           .vector_count = kVectors,
                           .endpoint_count = 64},
                .http = {}};
  }
  ~DaemonTest() override {
    if (daemon_) End();
    std::filesystem::remove_all(parent_);
  }

  void Start() {
    auto daemon = Daemon::Start(*loop_, store_, options_);
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_ = *std::move(daemon);
  }

  void End() {
    daemon_->RemoveSocketFiles();
    daemon_.reset();
  }

  RawClient Join() {
    RawClient client(IvshmemServer::AnySlotPath(options_.runtime_dir));
    RunUntil([&] {
      client.Read();
      return client.Messages().size() == 3 + kSlots * kVectors;
    });
    return client;
  }

  void RunUntil(const std::function<bool()>& done) {
    bool is_late = false;
    const Watch watchdog = loop_->After(kTestDeadlineNs, [&] { is_late = true; });
    while (!done() && !is_late) loop_->RunOnce();
    EXPECT_FALSE(is_late);
  }

  std::string parent_ = "/tmp/daemon_XXXXXX";
  DaemonOptions options_;
  std::unique_ptr<EventLoop> loop_ = EventLoop::Create().value();
  NullStore store_;
  std::unique_ptr<Daemon> daemon_;
};

uint64_t Take(int eventfd) {
  eventfd_t count = 0;
  return eventfd_read(eventfd, &count) == 0 ? count : 0;
}

uint32_t StateOf(const Region& region, uint32_t slot) {
  return IdentityState(region.Slot(slot).identity.load(std::memory_order_relaxed));
}

TEST_F(DaemonTest, AVmThatJoinsAndLeavesIsInTheRegionAndInGrpc) {
  Start();
  ControlClient operators(options_.runtime_dir + "/control.sock");
  RawClient client = Join();
  const Mapping mapping =
      Mapping::Map(client.Messages()[kRegionMessage].fd.Get(), 0, 4 * kMiB).value();
  const Region region = Region::Attach(mapping.Bytes()).value();
  EXPECT_EQ(StateOf(region, 0), static_cast<uint32_t>(SlotState::kReady));
  EXPECT_EQ(StateOf(region, 1), static_cast<uint32_t>(SlotState::kConnected));
  const uint64_t joined_epoch = region.MembershipEpoch().load(std::memory_order_relaxed);
  const absl::StatusOr<PeerList> list = operators.ListPeers();
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_EQ(list->snapshot.peers.size(), 2u);
  EXPECT_EQ(list->snapshot.revision, joined_epoch);
  EXPECT_EQ(list->snapshot.peers[0].kind, PeerKind::kHost);
  EXPECT_EQ(list->snapshot.peers[1].kind, PeerKind::kVm);
  EXPECT_EQ(list->snapshot.peers[1].slot, 1u);

  client.Close();
  RunUntil([&] { return region.MembershipEpoch().load(std::memory_order_relaxed) > joined_epoch; });
  EXPECT_EQ(StateOf(region, 1), static_cast<uint32_t>(SlotState::kVacant));
  EXPECT_EQ(operators.ListPeers()->snapshot.peers.size(), 1u);
}

TEST_F(DaemonTest, DescribesItsRegionToOperatorsAndGuests) {
  Start();
  for (const char* name : {"/control.sock", "/guest.sock"}) {
    const absl::StatusOr<RegionInfo> info = ControlClient(options_.runtime_dir + name).GetRegion();
    ASSERT_TRUE(info.ok()) << info.status();
    EXPECT_EQ(info->size_bytes, 4 * kMiB);
    EXPECT_EQ(info->slots, kSlots);
    EXPECT_EQ(info->vectors, kVectors);
    EXPECT_EQ(info->uuid.size(), 36u);
    EXPECT_GT(info->free_bytes, 2 * kMiB);
  }
}

TEST_F(DaemonTest, RingsVectorZeroOfEverybodyPresentAtEveryChange) {
  Start();
  RawClient first = Join();
  const int own = first.Messages()[kOwnVectorZeroMessage].fd.Get();
  const int hosts = first.Messages()[kHostVectorZeroMessage].fd.Get();
  EXPECT_GT(Take(own), 0u);  // Its own joining.
  Take(hosts);
  RawClient second = Join();
  EXPECT_EQ(Take(own), 1u);
  EXPECT_EQ(Take(hosts), 1u);
  second.Close();
  RunUntil([&] { return Take(own) == 1; });
  EXPECT_EQ(Take(hosts), 1u);
}

TEST_F(DaemonTest, RefusesAFolderThatAnotherDaemonServes) {
  Start();
  const auto second = Daemon::Start(*loop_, store_, options_);
  EXPECT_TRUE(absl::IsAlreadyExists(second.status())) << second.status();
  EXPECT_TRUE(ControlClient(options_.runtime_dir + "/control.sock").ListPeers().ok());
}

TEST_F(DaemonTest, LeavesAnEmptyFolderAndCanStartAgain) {
  for (int i = 0; i < 2; ++i) {
    Start();
    EXPECT_FALSE(std::filesystem::is_empty(options_.runtime_dir));
    End();
    EXPECT_TRUE(std::filesystem::is_empty(options_.runtime_dir));
  }
}

TEST_F(DaemonTest, StartsOverTheSocketsOfADaemonThatWasKilled) {
  Start();
  daemon_.reset();
  EXPECT_FALSE(std::filesystem::is_empty(options_.runtime_dir));
  Start();
  EXPECT_EQ(Join().Slot(), 1);
}

TEST_F(DaemonTest, TouchesNothingWhenTheLimitsCannotBe) {
  options_.limits.region_bytes = 3 * kMiB;
  EXPECT_TRUE(absl::IsInvalidArgument(Daemon::Start(*loop_, store_, options_).status()));
  EXPECT_FALSE(std::filesystem::exists(options_.runtime_dir));
}

}  // namespace
}  // namespace tombolo::control
