// A follower that applies every event holds what the registry holds.
#include "control/registry/membership.h"

#include <gtest/gtest.h>

#include <random>

#include "absl/status/status.h"
#include "control/registry/registry.h"

namespace tombolo::control {
namespace {

TEST(MembershipTest, ReplicaFollowsEveryKindOfEvent) {
  Registry registry;
  MembershipSnapshot replica;
  registry.AddObserver([&](const MembershipEvent& event) {
    EXPECT_TRUE(Apply(event, replica));
    EXPECT_EQ(replica, registry.Snapshot());
  });
  ASSERT_TRUE(registry.OccupySlot(2, PeerKind::kVm, 1).ok());
  ASSERT_TRUE(registry.OccupySlot(0, PeerKind::kHost, 2).ok());
  ASSERT_TRUE(registry.BrokerReady(2, "first").ok());
  ASSERT_TRUE(registry.AttachEndpoint({.slot = 2, .name = "a"}).ok());
  ASSERT_TRUE(registry.AttachEndpoint({.slot = 2, .name = "b"}).ok());
  ASSERT_TRUE(registry.EndpointGone({0, 1}).ok());
  ASSERT_TRUE(registry.BrokerReady(2, "second").ok());
  ASSERT_TRUE(registry.VacateSlot(2).ok());
  EXPECT_EQ(replica.revision, 8u);
}

TEST(MembershipTest, OnlyTheVeryNextEventIsApplied) {
  MembershipSnapshot snapshot;
  MembershipEvent joined;
  joined.kind = EventKind::kPeerJoined;
  joined.revision = 2;
  EXPECT_FALSE(Apply(joined, snapshot));
  joined.revision = 1;
  EXPECT_TRUE(Apply(joined, snapshot));
  EXPECT_FALSE(Apply(joined, snapshot));
  EXPECT_EQ(snapshot.revision, 1u);
}

TEST(MembershipTest, EventThatContradictsTheSnapshotChangesNothing) {
  MembershipSnapshot snapshot;
  MembershipEvent left;
  left.kind = EventKind::kPeerLeft;
  left.revision = 1;
  EXPECT_FALSE(Apply(left, snapshot));
  EXPECT_EQ(snapshot, MembershipSnapshot{});
}

uint32_t Below(uint32_t limit, std::mt19937& random) {
  return static_cast<uint32_t>(random() % limit);
}

EndpointId AnyOf(const std::vector<EndpointInfo>& endpoints, std::mt19937& random) {
  if (endpoints.empty()) return EndpointId{};
  return endpoints[Below(static_cast<uint32_t>(endpoints.size()), random)].id;
}

// One random call; most are legal, some are refused.
void Step(Registry& registry, std::mt19937& random) {
  const uint32_t slot = Below(registry.Limits().slots, random);
  const PeerInfo peer = registry.FindPeer(slot).value_or(PeerInfo{});
  switch (random() % 8) {
    case 0:
      registry.OccupySlot(slot, PeerKind::kVm, 0).IgnoreError();
      break;
    case 1:
      registry.BrokerReady(slot, random() % 2 ? "boot-a" : "boot-b").IgnoreError();
      break;
    case 2:
      if (random() % 4 == 0) registry.VacateSlot(slot).IgnoreError();
      break;
    case 3:
      registry.EndpointGone(AnyOf(peer.endpoints, random)).IgnoreError();
      break;
    case 4:
      registry.Recycle(AnyOf(registry.DyingEndpoints(), random)).IgnoreError();
      break;
    default:
      registry.AttachEndpoint({.slot = slot, .name = "e"}).IgnoreError();
  }
}

TEST(MembershipTest, ReplicaFollowsTenThousandRandomCalls) {
  Registry registry({.slots = 4, .vectors = 4, .endpoints = 12, .history_events = 16});
  MembershipSnapshot replica;
  std::mt19937 random(20240607);
  for (int step = 0; step < 10'000; ++step) {
    Step(registry, random);
    // A follower that looks only now and then resumes from the history without gaps.
    if (random() % 4 != 0) continue;
    const auto missed = registry.EventsSince(replica.revision);
    ASSERT_TRUE(missed.ok() || absl::IsOutOfRange(missed.status()));
    if (!missed.ok()) replica = registry.Snapshot();
    for (const MembershipEvent& event : missed.ok() ? *missed : std::vector<MembershipEvent>()) {
      ASSERT_TRUE(Apply(event, replica)) << event.revision;
    }
    ASSERT_EQ(replica, registry.Snapshot()) << "step " << step;
  }
  EXPECT_GT(registry.Revision(), 1'000u);
}

}  // namespace
}  // namespace tombolo::control
