// What the registry refuses, how it spreads vectors, and how far back its history goes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "control/registry/membership.h"
#include "control/registry/registry.h"

namespace tombolo::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kBoot[] = "boot";

// Slots 0 and 1 are READY.
void MakeReady(Registry& registry) {
  ASSERT_TRUE(registry.OccupySlot(0, PeerKind::kHost, 0).ok());
  ASSERT_TRUE(registry.BrokerReady(0, kBoot).ok());
  ASSERT_TRUE(registry.OccupySlot(1, PeerKind::kVm, 0).ok());
  ASSERT_TRUE(registry.BrokerReady(1, kBoot).ok());
}

absl::StatusOr<EndpointId> Attach(Registry& registry, uint32_t slot, std::string name = "x") {
  return registry.AttachEndpoint({.slot = slot, .name = std::move(name)});
}

// The vectors of `count` endpoints attached one after the other.
std::vector<uint32_t> VectorsGiven(Registry& registry, uint32_t slot, size_t count) {
  std::vector<uint32_t> vectors;
  for (size_t i = 0; i < count; ++i) {
    vectors.push_back(registry.FindEndpoint(*Attach(registry, slot))->vector);
  }
  return vectors;
}

TEST(RegistryLimitsTest, VmNeverGetsTheHostsSlot) {
  Registry registry;
  EXPECT_TRUE(absl::IsInvalidArgument(registry.OccupySlot(0, PeerKind::kVm, 0).status()));
  EXPECT_TRUE(registry.OccupySlot(0, PeerKind::kHost, 0).ok());
}

TEST(RegistryLimitsTest, SlotBeyondTheLastIsRefusedEverywhere) {
  Registry registry({.slots = 4});
  EXPECT_THAT(registry.OccupySlot(4, PeerKind::kVm, 0).status().message(),
              HasSubstr("slots are 0 to 3"));
  EXPECT_TRUE(absl::IsInvalidArgument(registry.BrokerReady(4, kBoot).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(registry.VacateSlot(~0u).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Attach(registry, 4).status()));
  EXPECT_EQ(registry.FindPeer(4), std::nullopt);
}

TEST(RegistryLimitsTest, NoVacantSlotIsNothing) {
  Registry registry({.slots = 2});
  MakeReady(registry);
  EXPECT_EQ(registry.LowestVacantSlot(), std::nullopt);
}

TEST(RegistryLimitsTest, FullTableSaysHowManyAreLiveAndHowManyDying) {
  Registry registry({.endpoints = 3});
  MakeReady(registry);
  const EndpointId first = *Attach(registry, 1);
  ASSERT_TRUE(Attach(registry, 1).ok() && Attach(registry, 0).ok());
  ASSERT_TRUE(registry.EndpointGone(first).ok());
  const uint64_t before = registry.Revision();
  const absl::Status full = Attach(registry, 1).status();
  EXPECT_TRUE(absl::IsResourceExhausted(full)) << full;
  EXPECT_THAT(full.message(), HasSubstr("all 3 endpoint records"));
  EXPECT_THAT(full.message(), HasSubstr("2 are live, 1 wait"));
  EXPECT_EQ(registry.Revision(), before);
  ASSERT_TRUE(registry.Recycle(first).ok());
  EXPECT_TRUE(Attach(registry, 1).ok());
}

TEST(RegistryLimitsTest, DefaultTableHolds1024Endpoints) {
  Registry registry;
  MakeReady(registry);
  for (int i = 0; i < 1024; ++i) ASSERT_TRUE(Attach(registry, 1).ok()) << i;
  EXPECT_TRUE(absl::IsResourceExhausted(Attach(registry, 1).status()));
  EXPECT_THAT(registry.VacateSlot(1).value(), SizeIs(1024));
}

TEST(RegistryLimitsTest, NamesFromOtherKernelsAreChecked) {
  Registry registry;
  MakeReady(registry);
  for (const std::string& name :
       {std::string(), std::string(32, 'n'), std::string("a b"), std::string("\x1b[2J"),
        std::string("a\0b", 3), std::string("\xc3\xa9")}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Attach(registry, 1, name).status())) << name;
  }
  EXPECT_TRUE(Attach(registry, 1, std::string(31, 'n')).ok());
}

TEST(RegistryLimitsTest, BootIdsFromOtherKernelsAreChecked) {
  Registry registry;
  ASSERT_TRUE(registry.OccupySlot(1, PeerKind::kVm, 0).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(registry.BrokerReady(1, "").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(registry.BrokerReady(1, std::string(37, 'b')).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(registry.BrokerReady(1, "a\nb").status()));
  EXPECT_EQ(registry.FindPeer(1)->state, PeerState::kConnected);
}

TEST(RegistryLimitsTest, AskedForVectorMustExist) {
  Registry registry({.vectors = 4});
  MakeReady(registry);
  EXPECT_TRUE(registry.AttachEndpoint({.slot = 1, .name = "a", .vector = 3}).ok());
  const absl::Status refused =
      registry.AttachEndpoint({.slot = 1, .name = "a", .vector = 4}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(refused));
  EXPECT_THAT(refused.message(), HasSubstr("0 to 3"));
}

TEST(RegistryLimitsTest, VectorsAreGivenOneEachThenShared) {
  Registry registry({.vectors = 5});
  MakeReady(registry);
  EXPECT_THAT(VectorsGiven(registry, 1, 7), ElementsAre(2, 3, 4, 2, 3, 4, 2));
}

TEST(RegistryLimitsTest, VectorsOfOneSlotDoNotCountForAnother) {
  Registry registry({.vectors = 4});
  MakeReady(registry);
  EXPECT_THAT(VectorsGiven(registry, 1, 3), ElementsAre(2, 3, 2));
  EXPECT_THAT(VectorsGiven(registry, 0, 2), ElementsAre(2, 3));
}

TEST(RegistryLimitsTest, VectorOfADeadEndpointIsFreeAtOnce) {
  Registry registry({.vectors = 4});
  MakeReady(registry);
  const EndpointId first = *Attach(registry, 1);
  ASSERT_TRUE(Attach(registry, 1).ok());
  ASSERT_TRUE(registry.EndpointGone(first).ok());
  EXPECT_EQ(registry.ChooseVector(1), registry.Limits().vectors - 2);
}

TEST(RegistryLimitsTest, TwoVectorsOrOneAreSharedByAll) {
  for (uint32_t vectors : {1u, 2u}) {
    Registry registry({.vectors = vectors});
    MakeReady(registry);
    EXPECT_THAT(VectorsGiven(registry, 1, 2), ElementsAre(vectors - 1, vectors - 1));
  }
}

TEST(RegistryLimitsTest, HistoryGoesBackAsFarAsItsLimit) {
  Registry registry({.history_events = 2});
  MakeReady(registry);
  EXPECT_TRUE(absl::IsOutOfRange(registry.EventsSince(1).status()));
  const std::vector<MembershipEvent> events = registry.EventsSince(2).value();
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[0].kind, EventKind::kPeerJoined);
  EXPECT_EQ(events[1].kind, EventKind::kBrokerReady);
}

}  // namespace
}  // namespace tombolo::control
