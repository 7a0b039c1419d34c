// What each change does: slots, boots, endpoints, and what observers are told.
#include "control/registry/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "control/registry/membership.h"

namespace tombolo::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kBoot[] = "11111111-1111-4111-8111-111111111111";
constexpr char kNextBoot[] = "22222222-2222-4222-8222-222222222222";

class RegistryTest : public ::testing::Test {
 protected:
  RegistryTest() {
    registry_.AddObserver([this](const MembershipEvent& event) { told_.push_back(event); });
  }

  void PlugReady(uint32_t slot) {
    ASSERT_TRUE(registry_.OccupySlot(slot, PeerKind::kVm, 100).ok());
    ASSERT_TRUE(registry_.BrokerReady(slot, kBoot).ok());
  }

  EndpointId Attach(uint32_t slot, std::string name = "rank") {
    return registry_.AttachEndpoint({.slot = slot, .name = std::move(name), .pid = 7}).value();
  }

  Registry registry_;
  std::vector<MembershipEvent> told_;
};

TEST_F(RegistryTest, NewRegistryIsEmptyAtRevisionZero) {
  EXPECT_EQ(registry_.Revision(), 0u);
  EXPECT_EQ(registry_.Snapshot(), MembershipSnapshot{});
  EXPECT_EQ(registry_.LowestVacantSlot(), 1u);
}

TEST_F(RegistryTest, PluggedDeviceIsAConnectedPeerOfIncarnationOne) {
  EXPECT_EQ(registry_.OccupySlot(3, PeerKind::kVm, 1234).value(), 1u);
  const PeerInfo peer = registry_.FindPeer(3).value();
  EXPECT_EQ(peer.slot, 3u);
  EXPECT_EQ(peer.kind, PeerKind::kVm);
  EXPECT_EQ(peer.state, PeerState::kConnected);
  EXPECT_EQ(peer.joined_unix_ns, 1234);
  EXPECT_EQ(peer.boot_id, "");
  EXPECT_EQ(registry_.Snapshot().peers, std::vector<PeerInfo>{peer});
}

TEST_F(RegistryTest, EachOccupationOfASlotHasANewIncarnation) {
  for (uint32_t expected = 1; expected <= 3; ++expected) {
    EXPECT_EQ(registry_.OccupySlot(2, PeerKind::kVm, 0).value(), expected);
    ASSERT_TRUE(registry_.VacateSlot(2).ok());
  }
  EXPECT_EQ(registry_.OccupySlot(4, PeerKind::kVm, 0).value(), 1u);
}

TEST_F(RegistryTest, OccupiedSlotIsNotGivenTwice) {
  ASSERT_TRUE(registry_.OccupySlot(2, PeerKind::kVm, 0).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(registry_.OccupySlot(2, PeerKind::kVm, 0).status()));
  EXPECT_THAT(told_, SizeIs(1));
}

TEST_F(RegistryTest, LowestVacantSlotSkipsOccupiedOnesAndTheHosts) {
  ASSERT_TRUE(registry_.OccupySlot(1, PeerKind::kVm, 0).ok());
  ASSERT_TRUE(registry_.OccupySlot(3, PeerKind::kVm, 0).ok());
  EXPECT_EQ(registry_.LowestVacantSlot(), 2u);
  ASSERT_TRUE(registry_.VacateSlot(1).ok());
  EXPECT_EQ(registry_.LowestVacantSlot(), 1u);
}

TEST_F(RegistryTest, FirstHelloMakesThePeerReady) {
  PlugReady(1);
  EXPECT_EQ(registry_.FindPeer(1)->state, PeerState::kReady);
  EXPECT_EQ(registry_.FindPeer(1)->boot_id, kBoot);
  EXPECT_EQ(told_.back().kind, EventKind::kBrokerReady);
}

TEST_F(RegistryTest, HelloOfTheSameBootKillsNobodyAndIsNoEvent) {
  PlugReady(1);
  const EndpointId id = Attach(1);
  const uint64_t before = registry_.Revision();
  EXPECT_THAT(registry_.BrokerReady(1, kBoot).value(), IsEmpty());
  EXPECT_EQ(registry_.Revision(), before);
  EXPECT_NE(registry_.FindEndpoint(id), nullptr);
}

TEST_F(RegistryTest, HelloOfANewBootKillsAllEarlierEndpointsOfThatSlotOnly) {
  PlugReady(1);
  PlugReady(2);
  const EndpointId a = Attach(1);
  const EndpointId other = Attach(2);
  const EndpointId b = Attach(1);
  EXPECT_THAT(registry_.BrokerReady(1, kNextBoot).value(), ElementsAre(a, b));
  EXPECT_EQ(registry_.FindEndpoint(a), nullptr);
  EXPECT_NE(registry_.FindEndpoint(other), nullptr);
  EXPECT_EQ(told_.back().kind, EventKind::kPeerRebooted);
  EXPECT_EQ(told_.back().peer.boot_id, kNextBoot);
  EXPECT_THAT(told_.back().endpoints, SizeIs(2));
  EXPECT_EQ(registry_.FindPeer(1)->incarnation, 1u);  // The same QEMU holds the slot.
}

TEST_F(RegistryTest, VacatedSlotTakesItsEndpointsAlong) {
  PlugReady(1);
  const EndpointId id = Attach(1);
  EXPECT_THAT(registry_.VacateSlot(1).value(), ElementsAre(id));
  EXPECT_EQ(registry_.FindPeer(1), std::nullopt);
  EXPECT_EQ(registry_.FindEndpoint(id), nullptr);
  EXPECT_EQ(told_.back().kind, EventKind::kPeerLeft);
  EXPECT_EQ(told_.back().peer.boot_id, kBoot);
  ASSERT_THAT(told_.back().endpoints, SizeIs(1));
  EXPECT_EQ(told_.back().endpoints[0].id, id);
}

TEST_F(RegistryTest, NextOccupationStartsConnectedWithoutABootId) {
  PlugReady(1);
  ASSERT_TRUE(registry_.VacateSlot(1).ok());
  ASSERT_TRUE(registry_.OccupySlot(1, PeerKind::kVm, 0).ok());
  EXPECT_EQ(registry_.FindPeer(1)->state, PeerState::kConnected);
  EXPECT_EQ(registry_.FindPeer(1)->boot_id, "");
  ASSERT_TRUE(registry_.BrokerReady(1, kBoot).ok());
  EXPECT_EQ(told_.back().kind, EventKind::kBrokerReady);  // No reboot: it is another occupation.
}

TEST_F(RegistryTest, AttachedEndpointIsToldWithAllItsFields) {
  PlugReady(1);
  const EndpointId id =
      registry_
          .AttachEndpoint({.slot = 1, .name = "cache", .pid = 42, .vector = 9, .now_unix_ns = 555})
          .value();
  const EndpointInfo expected{id, 1, 9, 42, "cache", 555};
  EXPECT_EQ(*registry_.FindEndpoint(id), expected);
  EXPECT_THAT(registry_.FindPeer(1)->endpoints, ElementsAre(expected));
  EXPECT_EQ(told_.back().kind, EventKind::kEndpointAttached);
  EXPECT_THAT(told_.back().endpoints, ElementsAre(expected));
}

TEST_F(RegistryTest, NobodyAttachesBeforeTheHello) {
  ASSERT_TRUE(registry_.OccupySlot(1, PeerKind::kVm, 0).ok());
  const absl::Status refused = registry_.AttachEndpoint({.slot = 1, .name = "a"}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(refused.message(), HasSubstr("has not said hello"));
}

TEST_F(RegistryTest, VacantSlotRefusesHelloAttachAndVacate) {
  EXPECT_TRUE(absl::IsFailedPrecondition(registry_.BrokerReady(1, kBoot).status()));
  EXPECT_TRUE(
      absl::IsFailedPrecondition(registry_.AttachEndpoint({.slot = 1, .name = "a"}).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(registry_.VacateSlot(1).status()));
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(RegistryTest, IndexOfADeadEndpointIsNotUsedUntilRecycled) {
  PlugReady(1);
  const EndpointId first = Attach(1);
  ASSERT_TRUE(registry_.EndpointGone(first).ok());
  ASSERT_THAT(registry_.DyingEndpoints(), SizeIs(1));
  EXPECT_EQ(registry_.DyingEndpoints()[0].id, first);
  EXPECT_EQ(Attach(1), (EndpointId{first.index + 1, 1}));
  ASSERT_TRUE(registry_.Recycle(first).ok());
  EXPECT_THAT(registry_.DyingEndpoints(), IsEmpty());
  EXPECT_EQ(Attach(1), (EndpointId{first.index, first.incarnation + 1}));
}

TEST_F(RegistryTest, DeathNoticedTwiceIsOneEvent) {
  PlugReady(1);
  const EndpointId id = Attach(1);
  ASSERT_TRUE(registry_.EndpointGone(id).ok());
  EXPECT_EQ(told_.back().kind, EventKind::kEndpointGone);
  const size_t told = told_.size();
  EXPECT_TRUE(registry_.EndpointGone(id).ok());
  EXPECT_THAT(told_, SizeIs(told));
}

TEST_F(RegistryTest, IdOfAnEarlierLifeHarmsNobody) {
  PlugReady(1);
  const EndpointId old = Attach(1);
  ASSERT_TRUE(registry_.EndpointGone(old).ok());
  ASSERT_TRUE(registry_.Recycle(old).ok());
  const EndpointId now = Attach(1);
  ASSERT_EQ(now.index, old.index);
  EXPECT_TRUE(absl::IsNotFound(registry_.EndpointGone(old)));
  EXPECT_TRUE(absl::IsNotFound(registry_.Recycle(old)));
  EXPECT_NE(registry_.FindEndpoint(now), nullptr);
}

TEST_F(RegistryTest, LiveEndpointIsNotRecycled) {
  PlugReady(1);
  const EndpointId id = Attach(1);
  EXPECT_TRUE(absl::IsFailedPrecondition(registry_.Recycle(id)));
  EXPECT_NE(registry_.FindEndpoint(id), nullptr);
}

TEST_F(RegistryTest, SlotIsOccupiedAgainWhileItsDeadEndpointsWait) {
  PlugReady(1);
  const EndpointId old = Attach(1);
  ASSERT_TRUE(registry_.VacateSlot(1).ok());
  PlugReady(1);
  EXPECT_THAT(registry_.FindPeer(1)->endpoints, IsEmpty());
  EXPECT_NE(Attach(1).index, old.index);
}

TEST_F(RegistryTest, RevisionsCountEventsWithoutGaps) {
  PlugReady(1);
  const EndpointId id = Attach(1);
  ASSERT_TRUE(registry_.EndpointGone(id).ok());
  ASSERT_TRUE(registry_.Recycle(id).ok());
  ASSERT_TRUE(registry_.VacateSlot(1).ok());
  ASSERT_THAT(told_, SizeIs(5));
  for (size_t i = 0; i < told_.size(); ++i) EXPECT_EQ(told_[i].revision, i + 1);
  EXPECT_EQ(registry_.Revision(), 5u);
}

TEST_F(RegistryTest, ObserverSeesTheRegistryAfterTheChange) {
  std::vector<size_t> peers_seen;
  registry_.AddObserver([&](const MembershipEvent& event) {
    EXPECT_EQ(registry_.Revision(), event.revision);
    peers_seen.push_back(registry_.Snapshot().peers.size());
  });
  PlugReady(1);
  ASSERT_TRUE(registry_.VacateSlot(1).ok());
  EXPECT_THAT(peers_seen, ElementsAre(1, 1, 0));
}

}  // namespace
}  // namespace tombolo::control
