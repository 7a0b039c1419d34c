#include "control/daemon/reaper.h"

#include <string.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "control/daemon/member_table_mirror.h"
#include "control/registry/registry.h"
#include "control/registry/registry_state.h"
#include "gtest/gtest.h"
#include "transport/alloc/extent_map.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/device/simulated_device.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/membership_view.h"
#include "transport/fsck/check_region.h"

namespace tombolo::control {
namespace {

constexpr uint64_t kRegionBytes = uint64_t{16} << 20;
constexpr RegionLimits kLimits{
    .region_bytes = kRegionBytes, .slot_count = 4, .vector_count = 4, .endpoint_count = 64};

class Silent final : public ChannelHandler {
 public:
  void OnMessage(EndpointId, uint8_t, std::span<const std::byte>) override {}
  void OnDeparted(EndpointId) override {}
};

// The daemon's registry, mirror and reaper over one region, with endpoints of this process.
class ReaperTest : public testing::Test {
 protected:
  ReaperTest()
      : simulated_(*SimulatedRegion::Create(kRegionBytes, 4, 4)),
        region_(*Region::Format(simulated_->Memory(), kLimits, RegionUuid{}, CacheSizes{})),
        registry_(RegistryLimits{.slots = 4, .vectors = 4, .endpoints = 64}),
        mirror_(region_),
        reaper_(region_, registry_, mirror_, [this](uint32_t slot, uint32_t vector) {
          rung_.push_back({slot, vector});
        }) {
    registry_.AddObserver([this](const MembershipEvent& event) {
      mirror_.Write(event);
      reaper_.Note(event);
    });
    EXPECT_TRUE(registry_.OccupySlot(0, PeerKind::kHost, 1).ok());
    EXPECT_TRUE(registry_.BrokerReady(0, "boot").ok());
  }

  struct Process {
    std::unique_ptr<Endpoint> endpoint;
    std::unique_ptr<Channel> channel;
  };

  Process Start(const char* name) {
    const EndpointId id = *registry_.AttachEndpoint({.slot = 0, .name = name, .pid = 1});
    const uint32_t vector = registry_.FindEndpoint(id)->vector;
    auto endpoint =
        *Endpoint::Adopt(std::make_unique<SimulatedDevice>(simulated_), id, 0,
                         UniqueFd(dup(simulated_->Eventfd(0, static_cast<uint16_t>(vector)))));
    auto channel = *Channel::Create(*endpoint);
    return {std::move(endpoint), std::move(channel)};
  }

  static void Send(Process& from, const Process& to) {
    ASSERT_TRUE(from.channel->Open(to.endpoint->Id()).ok());
    Claim claim;
    ASSERT_TRUE(from.channel->TryClaim(to.endpoint->Id(), 8, claim));
    from.channel->Publish(claim, 1, 8);
  }

  std::shared_ptr<SimulatedRegion> simulated_;
  Region region_;
  Registry registry_;
  MemberTableMirror mirror_;
  Reaper reaper_;
  std::vector<std::pair<uint32_t, uint32_t>> rung_;
  Silent silent_;
};

TEST_F(ReaperTest, TheMirrorShowsWhoIsThere) {
  const Process a = Start("first");
  const auto info = ReadEndpoint(region_, a.endpoint->Id().index);
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->name, "first");
  EXPECT_EQ(info->id, a.endpoint->Id());
  EXPECT_EQ(info->vector, 2);
  EXPECT_EQ(region_.MembershipEpoch().load(std::memory_order_relaxed), registry_.Revision());
  EXPECT_EQ(IdentityState(region_.Slot(0).identity.load(std::memory_order_relaxed)),
            static_cast<uint32_t>(SlotState::kReady));
}

// Who looks at the table while a successor restores it misses nobody.
TEST_F(ReaperTest, ARestoredMirrorShowsEverybodyAllTheTime) {
  constexpr uint32_t kEndpoints = 8;
  // So many that both threads run at the same time for a while, also where others are at work.
  constexpr uint64_t kLooks = 1'000'000;
  for (uint32_t i = 0; i < kEndpoints; ++i) {
    ASSERT_TRUE(registry_.AttachEndpoint({.slot = 0, .name = "e", .pid = 1}).ok());
  }
  const RegistryState state = registry_.State();
  std::atomic<uint64_t> looks = 0;
  std::atomic<bool> done = false;
  uint32_t lowest = kEndpoints;
  std::thread reader([&] {
    while (!done) {
      lowest = std::min(lowest, region_.EndpointHighWater().load(std::memory_order_acquire));
      ++looks;
    }
  });
  while (looks < kLooks) MemberTableMirror(region_).Restore(state);
  done = true;
  reader.join();
  EXPECT_EQ(lowest, kEndpoints);
}

TEST_F(ReaperTest, MemoryOfADeadStrangerIsFreeAtOnce) {
  const uint32_t before = ExtentMap(region_.ExtentMap()).CountFree();
  Process a = Start("a"), b = Start("b");
  ASSERT_TRUE(a.channel->Open(a.endpoint->Id()).ok());
  ASSERT_TRUE(registry_.EndpointGone(a.endpoint->Id()).ok());
  EXPECT_FALSE(reaper_.Sweep());
  EXPECT_EQ(ExtentMap(region_.ExtentMap()).CountFree(), before);
  EXPECT_TRUE(rung_.empty());
}

TEST_F(ReaperTest, MemoryOfADeadPeerWaitsForTheAcknowledgement) {
  Process a = Start("a"), b = Start("b");
  Send(a, b);
  b.channel->Poll(silent_);
  const uint32_t before = ExtentMap(region_.ExtentMap()).CountFree();
  ASSERT_TRUE(registry_.EndpointGone(a.endpoint->Id()).ok());
  EXPECT_TRUE(reaper_.Sweep());
  EXPECT_EQ(ExtentMap(region_.ExtentMap()).CountFree(), before);
  ASSERT_EQ(rung_.size(), 1u);
  EXPECT_EQ(rung_[0].second, registry_.FindEndpoint(b.endpoint->Id())->vector);
  b.channel->Poll(silent_);
  EXPECT_FALSE(reaper_.Sweep());
  EXPECT_GT(ExtentMap(region_.ExtentMap()).CountFree(), before);
  EXPECT_FALSE(ReadEndpoint(region_, a.endpoint->Id().index).has_value());
}

TEST_F(ReaperTest, AFirstMessageThatNobodyHasSeenYetKeepsItsMemory) {
  Process a = Start("a"), b = Start("b");
  Send(a, b);
  ASSERT_TRUE(registry_.EndpointGone(a.endpoint->Id()).ok());
  EXPECT_TRUE(reaper_.Sweep());
  EXPECT_EQ(b.channel->Poll(silent_), 1u);
  EXPECT_FALSE(reaper_.Sweep());
}

TEST_F(ReaperTest, AWaitingEndpointThatDiesItselfHoldsNothingUp) {
  Process a = Start("a"), b = Start("b");
  Send(a, b);
  b.channel->Poll(silent_);
  ASSERT_TRUE(registry_.EndpointGone(a.endpoint->Id()).ok());
  EXPECT_TRUE(reaper_.Sweep());
  ASSERT_TRUE(registry_.EndpointGone(b.endpoint->Id()).ok());
  EXPECT_FALSE(reaper_.Sweep());
  EXPECT_EQ(ExtentMap(region_.ExtentMap()).CountFree(), region_.Parts().extent_count);
}

// Writes all over `count` new extents of the endpoint's.
void FillMemory(const Region& region, EndpointId id, uint32_t count) {
  const auto first = ExtentMap(region.ExtentMap())
                         .Claim(count, static_cast<uint16_t>(id.index), ExtentKind::kMemory);
  ASSERT_TRUE(first.has_value());
  memset(region.Extent(*first), 0x5a, count * kExtentBytes);
}

bool FreeMemoryIsZero(const Region& region) {
  const ExtentMap extents(region.ExtentMap());
  for (uint32_t i = 0; i < extents.Count(); ++i) {
    if (extents.Look(i).state != ExtentState::kFree) continue;
    const std::byte* bytes = region.Extent(i);
    if (std::any_of(bytes, bytes + kExtentBytes, [](std::byte b) { return b != std::byte{0}; })) {
      return false;
    }
  }
  return true;
}

TEST_F(ReaperTest, MemoryIsZeroedBeforeItIsFree) {
  Process a = Start("a"), b = Start("b");
  FillMemory(region_, a.endpoint->Id(), 5);
  Send(a, b);
  ASSERT_TRUE(registry_.EndpointGone(a.endpoint->Id()).ok());
  b.channel->Poll(silent_);
  EXPECT_FALSE(reaper_.Sweep());
  EXPECT_EQ(ExtentMap(region_.ExtentMap()).CountFree(), region_.Parts().extent_count);
  EXPECT_TRUE(FreeMemoryIsZero(region_));
}

TEST_F(ReaperTest, MuchMemoryIsFreedInParts) {
  Reaper patient(
      region_, registry_, mirror_, [](uint32_t, uint32_t) {}, /*sweep_extents=*/4);
  registry_.AddObserver([&](const MembershipEvent& event) { patient.Note(event); });
  Process a = Start("a");
  FillMemory(region_, a.endpoint->Id(), 10);
  ASSERT_TRUE(registry_.EndpointGone(a.endpoint->Id()).ok());
  for (const uint64_t left : {6u, 2u}) {
    EXPECT_TRUE(patient.Sweep());
    EXPECT_TRUE(patient.HasMoreToScrub());
    EXPECT_TRUE(FreeMemoryIsZero(region_));
    // Whoever dies here leaves nothing that is nobody's.
    const RegionReport report = CheckRegion(region_);
    EXPECT_TRUE(report.IsClean());
    EXPECT_EQ(report.quarantine_extents, left);
  }
  EXPECT_FALSE(patient.Sweep());
  EXPECT_FALSE(patient.HasMoreToScrub());
  EXPECT_EQ(ExtentMap(region_.ExtentMap()).CountFree(), region_.Parts().extent_count);
  EXPECT_TRUE(FreeMemoryIsZero(region_));
}

TEST_F(ReaperTest, ADeadOnesLineIsEmptyOnceItsMemoryIsFree) {
  Process a = Start("a"), b = Start("b");
  Send(a, b);
  const EndpointLine& line = region_.Line(a.endpoint->Id().index);
  region_.Line(a.endpoint->Id().index).armed.store(1, std::memory_order_relaxed);
  a.channel->Retire();
  ASSERT_TRUE(registry_.EndpointGone(a.endpoint->Id()).ok());
  b.channel->Poll(silent_);
  EXPECT_FALSE(reaper_.Sweep());
  EXPECT_EQ(line.armed.load(std::memory_order_relaxed), 0u);
  EXPECT_EQ(line.link_directory.load(std::memory_order_relaxed), 0u);
  EXPECT_EQ(line.acked_epoch.load(std::memory_order_relaxed), 0u);
  EXPECT_TRUE(CheckRegion(region_).IsClean());
}

TEST_F(ReaperTest, ARetiredEndpointHoldsNothingUp) {
  Process a = Start("a"), b = Start("b");
  Send(a, b);
  b.channel->Poll(silent_);
  b.channel->Retire();
  ASSERT_TRUE(registry_.EndpointGone(a.endpoint->Id()).ok());
  EXPECT_FALSE(reaper_.Sweep());
  EXPECT_TRUE(rung_.empty());
}

}  // namespace
}  // namespace tombolo::control
