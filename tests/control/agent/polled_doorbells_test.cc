// What an agent rings whose device does not interrupt: the region's words are set by hand, as peers
// and sleepers do.
#include "control/agent/polled_doorbells.h"

#include <sys/eventfd.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "control/daemon/member_table_mirror.h"
#include "control/registry/registry.h"
#include "gtest/gtest.h"
#include "transport/device/simulated_device.h"
#include "transport/region/geometry.h"
#include "transport/region/region.h"

namespace tombolo::control {
namespace {

constexpr uint64_t kRegionBytes = uint64_t{4} << 20;
constexpr RegionLimits kLimits{
    .region_bytes = kRegionBytes, .slot_count = 4, .vector_count = 4, .endpoint_count = 64};
constexpr uint16_t kSlot = 2;
constexpr uint32_t kPeer = 5;  // Nobody here looks at who it is.

class PolledDoorbellsTest : public testing::Test {
 protected:
  PolledDoorbellsTest()
      : simulated_(*SimulatedRegion::Create(kRegionBytes, 4, 4)),
        region_(*Region::Format(simulated_->Memory(), kLimits, RegionUuid{}, CacheSizes{})),
        registry_(RegistryLimits{.slots = 4, .vectors = 4, .endpoints = 64}),
        mirror_(region_),
        doorbells_(region_, kSlot, Eventfds()) {
    registry_.AddObserver([this](const MembershipEvent& event) { mirror_.Write(event); });
    region_.EndpointHighWater().store(kPeer + 1, std::memory_order_relaxed);
    for (const uint32_t slot : {1u, uint32_t{kSlot}}) {
      EXPECT_TRUE(registry_.OccupySlot(slot, PeerKind::kVm, 0).ok());
      EXPECT_TRUE(registry_.BrokerReady(slot, "boot").ok());
    }
    sleeper_ = Join(kSlot, 2);
    region_.EndpointHighWater().store(kPeer + 1, std::memory_order_relaxed);
    doorbells_.Look();
    Rings();
  }

  std::vector<int> Eventfds() const {
    std::vector<int> eventfds;
    for (uint16_t vector = 0; vector < 4; ++vector) {
      eventfds.push_back(simulated_->Eventfd(kSlot, vector));
    }
    return eventfds;
  }

  uint32_t Join(uint32_t slot, uint32_t vector) {
    return registry_.AttachEndpoint({.slot = slot, .name = "rank", .vector = vector})->index;
  }

  void Arm(uint32_t armed) { region_.Line(sleeper_).armed.store(armed, std::memory_order_seq_cst); }
  void Announce() {
    region_.InboxByte(sleeper_, kPeer).store(++announced_, std::memory_order_seq_cst);
  }

  // By vector, since the last call.
  std::vector<uint64_t> Rings() const {
    std::vector<uint64_t> rings;
    for (const int eventfd : Eventfds()) {
      eventfd_t count = 0;
      eventfd_read(eventfd, &count);
      rings.push_back(count);
    }
    return rings;
  }

  std::vector<uint64_t> RingsOfALook() {
    doorbells_.Look();
    return Rings();
  }

  std::shared_ptr<SimulatedRegion> simulated_;
  Region region_;
  Registry registry_;
  MemberTableMirror mirror_;
  PolledDoorbells doorbells_;
  uint32_t sleeper_ = 0;
  uint8_t announced_ = 0;

  const std::vector<uint64_t> kNone = {0, 0, 0, 0};
  const std::vector<uint64_t> kOnce = {0, 0, 1, 0};
};

TEST_F(PolledDoorbellsTest, ASleeperIsRungOnceForWhatIsAnnounced) {
  Arm(1);
  EXPECT_EQ(RingsOfALook(), kNone);
  Announce();
  EXPECT_EQ(RingsOfALook(), kOnce);
  EXPECT_EQ(RingsOfALook(), kNone);
  Announce();
  EXPECT_EQ(RingsOfALook(), kOnce);
}

TEST_F(PolledDoorbellsTest, WhoIsAwakeIsNotRungNeitherLaterForWhatItSawItself) {
  Announce();
  EXPECT_EQ(RingsOfALook(), kNone);
  Arm(1);
  EXPECT_EQ(RingsOfALook(), kNone);
}

TEST_F(PolledDoorbellsTest, EveryVectorIsRungWhenTheMembershipChanges) {
  Join(1, 1);
  EXPECT_EQ(RingsOfALook(), (std::vector<uint64_t>{1, 1, 1, 1}));
  EXPECT_EQ(RingsOfALook(), kNone);
}

TEST_F(PolledDoorbellsTest, NewcomersAreLookedAtAndTheDeadAreNot) {
  const uint32_t other = Join(kSlot, 3);
  RingsOfALook();
  region_.EndpointHighWater().store(kPeer + 1, std::memory_order_relaxed);
  region_.Line(other).armed.store(1, std::memory_order_seq_cst);
  region_.InboxByte(other, kPeer).store(1, std::memory_order_seq_cst);
  EXPECT_EQ(RingsOfALook(), (std::vector<uint64_t>{0, 0, 0, 1}));
  EXPECT_TRUE(registry_.VacateSlot(kSlot).ok());
  RingsOfALook();
  Arm(1);
  Announce();
  EXPECT_EQ(RingsOfALook(), kNone);
}

TEST_F(PolledDoorbellsTest, EndpointsOfOtherSlotsAreTheirOwnBrokersBusiness) {
  const uint32_t other = Join(1, 2);
  RingsOfALook();
  region_.Line(other).armed.store(1, std::memory_order_seq_cst);
  region_.InboxByte(other, sleeper_).store(1, std::memory_order_seq_cst);
  EXPECT_EQ(RingsOfALook(), kNone);
}

}  // namespace
}  // namespace tombolo::control
