// A registry that goes on where another stopped, and states that none can have been in.
#include "control/registry/registry_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "control/registry/registry.h"

namespace tombolo::control {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kBoot[] = "11111111-1111-4111-8111-111111111111";
constexpr RegistryLimits kLimits{.slots = 4, .vectors = 4, .endpoints = 64, .services = 4};

// Slot 0 with a living writer, slot 1 with a living and a dying endpoint, slot 2 vacant again.
class RegistryStateTest : public ::testing::Test {
 protected:
  RegistryStateTest() : registry_(kLimits) {
    EXPECT_TRUE(registry_.OccupySlot(kHostSlot, PeerKind::kHost, 5).ok());
    EXPECT_TRUE(registry_.BrokerReady(kHostSlot, kBoot).ok());
    EXPECT_TRUE(registry_.OccupySlot(1, PeerKind::kVm, 6).ok());
    EXPECT_TRUE(registry_.BrokerReady(1, kBoot).ok());
    EXPECT_TRUE(registry_.OccupySlot(2, PeerKind::kVm, 7).ok());
    EXPECT_TRUE(registry_.VacateSlot(2).ok());
    writer_ = Attach(registry_, kHostSlot);
    living_ = Attach(registry_, 1);
    dying_ = Attach(registry_, 1);
    EXPECT_TRUE(registry_.OpenService("cache", writer_).ok());
    EXPECT_TRUE(registry_.OpenService("old", dying_).ok());
    EXPECT_TRUE(registry_.EndpointGone(dying_).ok());
    EXPECT_TRUE(registry_.CloseService("old").ok());
  }

  static EndpointId Attach(Registry& registry, uint32_t slot) {
    return registry.AttachEndpoint({.slot = slot, .name = "rank", .pid = 7, .now_unix_ns = 8})
        .value();
  }

  Registry registry_;
  EndpointId writer_, living_, dying_;
};

TEST_F(RegistryStateTest, ASuccessorKnowsWhatItsPredecessorKnew) {
  const RegistryState state = registry_.State();
  ASSERT_TRUE(CheckRegistryState(state, kLimits).ok()) << CheckRegistryState(state, kLimits);
  const Registry successor(kLimits, state);
  EXPECT_EQ(successor.State(), state);
  EXPECT_EQ(successor.Snapshot(), registry_.Snapshot());
  EXPECT_EQ(successor.DyingEndpoints(), registry_.DyingEndpoints());
  EXPECT_EQ(successor.Services(), registry_.Services());
}

TEST_F(RegistryStateTest, ASuccessorCountsOn) {
  Registry successor(kLimits, registry_.State());
  std::vector<uint64_t> told;
  successor.AddObserver([&](const MembershipEvent& event) { told.push_back(event.revision); });
  EXPECT_EQ(successor.OccupySlot(2, PeerKind::kVm, 9).value(), 2u);
  EXPECT_THAT(successor.BrokerReady(1, kBoot).value(), IsEmpty()) << "it knows this boot";
  EXPECT_TRUE(successor.Recycle(dying_).ok());
  const EndpointId next = Attach(successor, 1);
  EXPECT_EQ(next.index, dying_.index);
  EXPECT_EQ(next.incarnation, dying_.incarnation + 1);
  EXPECT_THAT(told, ElementsAre(registry_.Revision() + 1, registry_.Revision() + 2));
  EXPECT_TRUE(absl::IsOutOfRange(successor.EventsSince(registry_.Revision() - 1).status()));
}

TEST_F(RegistryStateTest, TheKeeperHearsOfEveryChangeBeforeAnybodyElse) {
  int kept = 0;
  registry_.SetKeeper([&] { ++kept; });
  std::vector<int> kept_when_told;
  registry_.AddObserver([&](const MembershipEvent&) { kept_when_told.push_back(kept); });
  EXPECT_TRUE(registry_.OccupySlot(3, PeerKind::kVm, 0).ok());
  Attach(registry_, 1);
  EXPECT_THAT(kept_when_told, ElementsAre(1, 2));
  EXPECT_TRUE(registry_.Recycle(dying_).ok());
  EXPECT_TRUE(registry_.OpenService("more", living_).ok());
  registry_.ServiceGone(1);
  EXPECT_TRUE(registry_.EndpointGone(living_).ok());
  EXPECT_TRUE(registry_.CloseService("more").ok());
  EXPECT_EQ(kept, 7);
}

TEST_F(RegistryStateTest, WhatNoRegistryCanHaveBeenInIsRefused) {
  const std::vector<std::function<void(RegistryState&)>> mistakes = {
      [](RegistryState& state) { state.slots.pop_back(); },
      [](RegistryState& state) { state.slots[3].peer.slot = 2; },
      [](RegistryState& state) { state.slots[1].peer.incarnation = 0; },
      [](RegistryState& state) { state.slots[1].peer.kind = PeerKind::kHost; },
      [](RegistryState& state) { state.slots[1].peer.boot_id.clear(); },
      [](RegistryState& state) { state.slots[2].peer.boot_id = "two words"; },
      [](RegistryState& state) { state.slots[1].occupied = false; },
      [](RegistryState& state) { state.endpoints[1].info.id.index = 0; },
      [](RegistryState& state) { state.endpoints[2].info.id.index = 64; },
      [](RegistryState& state) { state.endpoints[0].info.id.incarnation = 0; },
      [](RegistryState& state) { state.endpoints[0].info.slot = 4; },
      [](RegistryState& state) { state.endpoints[0].info.vector = 4; },
      [](RegistryState& state) { state.endpoints[0].info.name = std::string(32, 'x'); },
      [](RegistryState& state) { state.endpoints[0].changed_revision = state.revision + 1; },
      [](RegistryState& state) { state.services[1].entry.index = 0; },
      [](RegistryState& state) { state.services[1].entry.index = 4; },
      [](RegistryState& state) { state.services[1].entry.name = "cache"; },
      [](RegistryState& state) { state.services[0].entry.maker_slot = 4; },
      [](RegistryState& state) { state.services[0].entry.is_going = true; },
      [](RegistryState& state) { state.services[0].entry.writer.incarnation = 9; },
  };
  for (size_t i = 0; i < mistakes.size(); ++i) {
    RegistryState state = registry_.State();
    mistakes[i](state);
    EXPECT_TRUE(absl::IsInvalidArgument(CheckRegistryState(state, kLimits))) << "mistake " << i;
  }
}

}  // namespace
}  // namespace tombolo::control
