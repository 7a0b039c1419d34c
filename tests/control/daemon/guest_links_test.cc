#include "control/daemon/guest_links.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "control/doorbells/doorbell_table.h"
#include "control/event_loop/event_loop.h"
#include "control/link/agent_link.h"
#include "control/registry/registry.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transport/device/simulated_device.h"

namespace tombolo::control {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr uint64_t kRegionBytes = uint64_t{4} << 20;
constexpr RegionLimits kLimits{
    .region_bytes = kRegionBytes, .slot_count = 4, .vector_count = 4, .endpoint_count = 64};
constexpr uint32_t kSlot = 2;
constexpr BootId kBoot = {1, 2};

class RecordingAgent final : public AgentLinkHandler {
 public:
  void OnUp(uint32_t slot_incarnation) override { incarnation = slot_incarnation; }
  void OnAttachReply(const LinkAttachReply& reply) override { replies.push_back(reply); }

  uint32_t incarnation = 0;
  std::vector<LinkAttachReply> replies;
};

// The daemon's links over a region, and the agent of slot 2 in the same thread.
class GuestLinksTest : public testing::Test {
 protected:
  GuestLinksTest()
      : simulated_(*SimulatedRegion::Create(kRegionBytes, 4, 4)),
        region_(*Region::Format(simulated_->Memory(), kLimits, RegionUuid{}, CacheSizes{})),
        doorbells_(*DoorbellTable::Create(4, 4)),
        registry_(RegistryLimits{.slots = 4, .vectors = 4, .endpoints = 64}),
        loop_(*EventLoop::Create()),
        links_(*GuestLinks::Start(*loop_, region_, doorbells_, registry_)) {
    EXPECT_TRUE(registry_.OccupySlot(kHostSlot, PeerKind::kHost, 0).ok());
    EXPECT_TRUE(registry_.BrokerReady(kHostSlot, "host").ok());
    EXPECT_TRUE(registry_.OccupySlot(kSlot, PeerKind::kVm, 0).ok());
    StartAgent(kBoot);
  }

  void StartAgent(const BootId& boot_id) {
    agent_ = std::make_unique<AgentLink>(region_.Control(kSlot), boot_id, at_agent_,
                                         [this] { doorbells_.Ring(kHostSlot, 1); });
  }

  void Turn() {
    for (int i = 0; i < 4; ++i) {
      loop_->Poll();
      agent_->Poll();
    }
  }

  EndpointId Attach(const std::string& name) {
    LinkAttach attach{.request = ++request_, .pid = 77};
    std::ranges::copy(name, attach.name);
    agent_->Attach(attach);
    Turn();
    const LinkAttachReply reply = at_agent_.replies.back();
    EXPECT_EQ(reply.request, request_);
    return {reply.endpoint.index, reply.endpoint.incarnation};
  }

  std::vector<EndpointId> Live() const {
    std::vector<EndpointId> live;
    const auto peer = registry_.FindPeer(kSlot);
    if (!peer) return live;
    for (const EndpointInfo& endpoint : peer->endpoints) live.push_back(endpoint.id);
    return live;
  }

  std::shared_ptr<SimulatedRegion> simulated_;
  Region region_;
  DoorbellTable doorbells_;
  Registry registry_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<GuestLinks> links_;
  RecordingAgent at_agent_;
  std::unique_ptr<AgentLink> agent_;
  uint64_t request_ = 0;
};

TEST_F(GuestLinksTest, HelloMakesTheSlotReady) {
  Turn();
  EXPECT_TRUE(agent_->IsUp());
  const auto peer = registry_.FindPeer(kSlot);
  ASSERT_TRUE(peer.has_value());
  EXPECT_EQ(peer->state, PeerState::kReady);
  EXPECT_EQ(peer->boot_id, FormatBootId(kBoot));
  EXPECT_EQ(at_agent_.incarnation, peer->incarnation);
}

TEST_F(GuestLinksTest, AttachMakesAnEndpointOfThatSlot) {
  Turn();
  const EndpointId id = Attach("rank");
  const EndpointInfo* endpoint = registry_.FindEndpoint(id);
  ASSERT_NE(endpoint, nullptr);
  EXPECT_EQ(endpoint->slot, kSlot);
  EXPECT_EQ(endpoint->pid, 77);
  EXPECT_EQ(endpoint->name, "rank");
  EXPECT_EQ(at_agent_.replies.back().vector, endpoint->vector);
}

TEST_F(GuestLinksTest, RefusalCarriesItsReason) {
  Turn();
  Attach("a name with spaces");
  const LinkAttachReply& reply = at_agent_.replies.back();
  EXPECT_EQ(reply.code, static_cast<int32_t>(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(reply.text, testing::HasSubstr("printable"));
}

TEST_F(GuestLinksTest, DeathIsBelievedForOwnEndpointsOnly) {
  Turn();
  const EndpointId own = Attach("rank");
  const EndpointId foreign =
      *registry_.AttachEndpoint({.slot = kHostSlot, .name = "host", .now_unix_ns = 0});
  agent_->Gone(foreign);
  agent_->Gone(own);
  agent_->Gone(own);
  Turn();
  EXPECT_NE(registry_.FindEndpoint(foreign), nullptr);
  EXPECT_EQ(registry_.FindEndpoint(own), nullptr);
}

TEST_F(GuestLinksTest, WhatIsNotInAResyncIsDead) {
  Turn();
  const EndpointId one = Attach("one");
  const EndpointId two = Attach("two");
  agent_->Resync({two, {63, 9}});
  Turn();
  EXPECT_THAT(Live(), ElementsAre(two));
  EXPECT_EQ(registry_.FindEndpoint(one), nullptr);
}

TEST_F(GuestLinksTest, RestartedAgentKeepsItsEndpoints) {
  Turn();
  const EndpointId id = Attach("rank");
  StartAgent(kBoot);
  Turn();
  EXPECT_TRUE(agent_->IsUp());
  EXPECT_THAT(Live(), ElementsAre(id));
}

TEST_F(GuestLinksTest, RebootKillsAllEarlierEndpoints) {
  Turn();
  Attach("rank");
  StartAgent({3, 4});
  Turn();
  EXPECT_TRUE(agent_->IsUp());
  EXPECT_THAT(Live(), IsEmpty());
}

TEST_F(GuestLinksTest, RestartedDaemonLearnsWhoLives) {
  Turn();
  const EndpointId id = Attach("rank");
  links_ = *GuestLinks::Start(*loop_, region_, doorbells_, registry_);
  Turn();
  EXPECT_TRUE(agent_->IsUp());
  EXPECT_TRUE(links_->IsUp(kSlot));
  agent_->Resync({id});
  Turn();
  EXPECT_THAT(Live(), ElementsAre(id));
}

TEST_F(GuestLinksTest, VacantSlotIsNotWelcome) {
  EXPECT_TRUE(registry_.VacateSlot(kSlot).ok());
  links_->SlotVacated(kSlot);
  Turn();
  EXPECT_FALSE(agent_->IsUp());
  EXPECT_TRUE(registry_.OccupySlot(kSlot, PeerKind::kVm, 0).ok());
  agent_->SayHello();
  Turn();
  EXPECT_TRUE(agent_->IsUp());
}

TEST_F(GuestLinksTest, ManyAttachesInOneGoAreAllAnswered) {
  Turn();
  for (uint64_t i = 0; i < 200; ++i) {
    LinkAttach attach{.request = i, .pid = 1, .name = "rank"};
    agent_->Attach(attach);
  }
  for (int i = 0; i < 100; ++i) Turn();
  ASSERT_THAT(at_agent_.replies, SizeIs(200));
  EXPECT_EQ(at_agent_.replies[63].code, 0);
  EXPECT_EQ(at_agent_.replies[64].code, static_cast<int32_t>(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(Live(), SizeIs(64));
}

}  // namespace
}  // namespace tombolo::control
