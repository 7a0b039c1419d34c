#include "control/daemon/guest_links.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "control/daemon/member_table_mirror.h"
#include "control/daemon/service_desk.h"
#include "control/doorbells/doorbell_table.h"
#include "control/event_loop/event_loop.h"
#include "control/link/agent_link.h"
#include "control/registry/registry.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transport/device/simulated_device.h"
#include "transport/endpoint/service_view.h"

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
  void OnServiceReply(const LinkServiceReply& reply) override { services.push_back(reply); }

  uint32_t incarnation = 0;
  std::vector<LinkAttachReply> replies;
  std::vector<LinkServiceReply> services;
};

// The daemon's links over a region, and the agent of slot 2 in the same thread.
class GuestLinksTest : public testing::Test {
 protected:
  GuestLinksTest()
      : simulated_(*SimulatedRegion::Create(kRegionBytes, 4, 4)),
        region_(*Region::Format(simulated_->Memory(), kLimits, RegionUuid{}, CacheSizes{})),
        doorbells_(*DoorbellTable::Create(4, 4)),
        registry_(RegistryLimits{.slots = 4, .vectors = 4, .endpoints = 64}),
        mirror_(region_),
        services_(region_, registry_, mirror_, [this] { ++closed_; }),
        loop_(*EventLoop::Create()),
        links_(*GuestLinks::Start(*loop_, region_, doorbells_, registry_, services_)) {
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

  // Gives the daemon's answer.
  LinkServiceReply OpenService(EndpointId writer, const std::string& name) {
    agent_->OpenService(ServiceRequest(writer, name));
    return ServiceReply();
  }
  LinkServiceReply CloseService(EndpointId asker, const std::string& name) {
    agent_->CloseService(ServiceRequest(asker, name));
    return ServiceReply();
  }
  LinkServiceRequest ServiceRequest(EndpointId endpoint, const std::string& name) {
    LinkServiceRequest request{.request = ++request_,
                               .endpoint = {endpoint.index, endpoint.incarnation}};
    std::ranges::copy(name, request.name);
    return request;
  }
  LinkServiceReply ServiceReply() {
    Turn();
    EXPECT_EQ(at_agent_.services.back().request, request_);
    return at_agent_.services.back();
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
  MemberTableMirror mirror_;
  int closed_ = 0;
  ServiceDesk services_;
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

int32_t Code(absl::StatusCode code) { return static_cast<int32_t>(code); }

TEST_F(GuestLinksTest, OwnEndpointOpensAndClosesAService) {
  Turn();
  const EndpointId id = Attach("rank");
  const LinkServiceReply opened = OpenService(id, "cache");
  EXPECT_EQ(opened.code, 0) << opened.text;
  const auto service = FindService(region_, "cache");
  ASSERT_TRUE(service.has_value());
  EXPECT_EQ(service->index, opened.service_index);
  EXPECT_EQ(service->incarnation, opened.service_incarnation);
  EXPECT_EQ(service->writer, id);
  EXPECT_EQ(CloseService(id, "cache").code, Code(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(CloseService(id, "none").code, Code(absl::StatusCode::kNotFound));
  agent_->Gone(id);
  const EndpointId next = Attach("next");
  EXPECT_EQ(CloseService(next, "cache").code, 0);
  EXPECT_EQ(closed_, 1);
}

TEST_F(GuestLinksTest, NobodyElsesEndpointGetsAServiceByIt) {
  Turn();
  const EndpointId own = Attach("rank");
  const EndpointId foreign =
      *registry_.AttachEndpoint({.slot = kHostSlot, .name = "host", .now_unix_ns = 0});
  for (const EndpointId id : {foreign, EndpointId{own.index, own.incarnation + 1},
                              EndpointId{UINT32_MAX, UINT32_MAX}, EndpointId{}}) {
    EXPECT_EQ(OpenService(id, "cache").code, Code(absl::StatusCode::kFailedPrecondition));
    EXPECT_EQ(CloseService(id, "cache").code, Code(absl::StatusCode::kFailedPrecondition));
  }
  EXPECT_THAT(registry_.Services(), IsEmpty());
}

TEST_F(GuestLinksTest, ServiceNamesAreChecked) {
  Turn();
  const EndpointId id = Attach("rank");
  for (const std::string& name : {std::string(), std::string("two words"), std::string(32, 'x')}) {
    EXPECT_EQ(OpenService(id, name).code, Code(absl::StatusCode::kInvalidArgument)) << name;
  }
  EXPECT_TRUE(agent_->IsUp());
}

TEST_F(GuestLinksTest, OneMachineMakesASmallPartOfAllServices) {
  Turn();
  const EndpointId id = Attach("rank");
  const uint32_t most = registry_.Limits().guest_services;
  for (uint32_t i = 0; i < most; ++i) {
    EXPECT_EQ(OpenService(id, "s" + std::to_string(i)).code, 0);
  }
  EXPECT_EQ(OpenService(id, "more").code, Code(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(OpenService(id, "s0").code, 0) << "it exists, and is its own";
  // Another life of the machine's endpoints makes no room.
  agent_->Gone(id);
  const EndpointId next = Attach("next");
  EXPECT_EQ(OpenService(next, "more").code, Code(absl::StatusCode::kResourceExhausted));
  const EndpointId host =
      *registry_.AttachEndpoint({.slot = kHostSlot, .name = "host", .now_unix_ns = 0});
  EXPECT_TRUE(services_.Open("more", host).ok());
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
  links_ = *GuestLinks::Start(*loop_, region_, doorbells_, registry_, services_);
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
