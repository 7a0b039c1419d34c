// Both ends of a control link over one control area.
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "control/link/agent_link.h"
#include "control/link/daemon_link.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tombolo::control {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

constexpr uint16_t kSlot = 3;
constexpr BootId kBoot = {1, 2};
constexpr uint32_t kSlotIncarnation = 9;

class RecordingDaemon final : public DaemonLinkHandler {
 public:
  absl::StatusOr<uint32_t> OnHello(uint16_t slot, const BootId& boot_id) override {
    EXPECT_EQ(slot, kSlot);
    hellos.push_back(boot_id);
    if (refuse) return absl::FailedPreconditionError("vacant");
    return kSlotIncarnation;
  }
  void OnAttach(uint16_t, const LinkAttach& attach) override { attaches.push_back(attach); }
  void OnGone(uint16_t, tombolo::EndpointId id) override { gone.push_back(id); }
  void OnResync(uint16_t, const std::vector<tombolo::EndpointId>& live) override {
    resyncs.push_back(live);
  }
  void OnOpenService(uint16_t, const LinkServiceRequest& request) override {
    opens.push_back(request);
  }
  void OnCloseService(uint16_t, const LinkServiceRequest& request) override {
    closes.push_back(request);
  }

  bool refuse = false;
  std::vector<BootId> hellos;
  std::vector<LinkAttach> attaches;
  std::vector<tombolo::EndpointId> gone;
  std::vector<LinkServiceRequest> opens;
  std::vector<LinkServiceRequest> closes;
  std::vector<std::vector<tombolo::EndpointId>> resyncs;
};

class RecordingAgent final : public AgentLinkHandler {
 public:
  void OnUp(uint32_t slot_incarnation) override { ups.push_back(slot_incarnation); }
  void OnAttachReply(const LinkAttachReply& reply) override { replies.push_back(reply); }
  void OnServiceReply(const LinkServiceReply& reply) override { services.push_back(reply); }

  std::vector<uint32_t> ups;
  std::vector<LinkAttachReply> replies;
  std::vector<LinkServiceReply> services;
};

class ControlLinkTest : public testing::Test {
 protected:
  ControlLinkTest() {
    StartDaemon();
    StartAgent();
  }

  void StartDaemon() {
    daemon_ = std::make_unique<DaemonLink>(kSlot, *area_, at_daemon_, [this] { ++agent_rings_; });
  }
  void StartAgent() {
    agent_ = std::make_unique<AgentLink>(
        *area_, kBoot, at_agent_, [this] { ++daemon_rings_; }, [this] { return ++nonce_; });
  }

  // Lets both ends look, in turns, until nothing more can come of it.
  void Turn() {
    for (int i = 0; i < 50; ++i) {
      daemon_->Poll();
      agent_->Poll();
    }
  }

  static LinkAttach AttachOf(uint64_t request, const std::string& name = "rank") {
    LinkAttach attach{.request = request, .pid = 77};
    memcpy(attach.name, name.data(), name.size());
    return attach;
  }

  // Publishes any message as a hostile broker would.
  template <typename T>
  void SendAsBroker(SmallLaneProducer& lane, uint8_t tag, const T& payload) {
    SmallClaim claim;
    ASSERT_TRUE(lane.TryClaim(sizeof(payload), claim));
    memcpy(claim.payload, &payload, sizeof(payload));
    SmallLaneProducer::Publish(claim, CellKind::kInline, tag, sizeof(payload));
  }

  std::unique_ptr<ControlArea> area_ = std::make_unique<ControlArea>();
  RecordingDaemon at_daemon_;
  RecordingAgent at_agent_;
  int daemon_rings_ = 0;
  int agent_rings_ = 0;
  uint64_t nonce_ = 100;
  std::unique_ptr<DaemonLink> daemon_;
  std::unique_ptr<AgentLink> agent_;
};

TEST_F(ControlLinkTest, HelloIsWelcomed) {
  EXPECT_EQ(daemon_rings_, 1);
  EXPECT_FALSE(agent_->IsUp());
  Turn();
  EXPECT_TRUE(agent_->IsUp());
  EXPECT_TRUE(daemon_->IsUp());
  EXPECT_THAT(at_daemon_.hellos, ElementsAre(kBoot));
  EXPECT_THAT(at_agent_.ups, ElementsAre(kSlotIncarnation));
  EXPECT_GE(agent_rings_, 1);
}

TEST_F(ControlLinkTest, AttachIsAnswered) {
  Turn();
  agent_->Attach(AttachOf(5, "rank 0"));
  EXPECT_EQ(daemon_rings_, 2);
  Turn();
  ASSERT_THAT(at_daemon_.attaches, SizeIs(1));
  EXPECT_EQ(at_daemon_.attaches[0].request, 5u);
  EXPECT_EQ(at_daemon_.attaches[0].pid, 77);
  EXPECT_STREQ(at_daemon_.attaches[0].name, "rank 0");
  LinkAttachReply reply{.request = 5, .code = 8, .vector = 4, .endpoint = {6, 7}};
  memcpy(reply.text, "full", 4);
  daemon_->Reply(reply);
  Turn();
  ASSERT_THAT(at_agent_.replies, SizeIs(1));
  EXPECT_EQ(at_agent_.replies[0].request, 5u);
  EXPECT_EQ(at_agent_.replies[0].code, 8);
  EXPECT_EQ(at_agent_.replies[0].endpoint.incarnation, 7u);
  EXPECT_STREQ(at_agent_.replies[0].text, "full");
}

TEST_F(ControlLinkTest, ServicesAreAskedForAndAnswered) {
  Turn();
  agent_->OpenService({.request = 5, .endpoint = {6, 7}, .name = "cache"});
  agent_->CloseService({.request = 6, .endpoint = {6, 7}, .name = "other"});
  Turn();
  ASSERT_THAT(at_daemon_.opens, SizeIs(1));
  ASSERT_THAT(at_daemon_.closes, SizeIs(1));
  EXPECT_EQ(at_daemon_.opens[0].endpoint.incarnation, 7u);
  EXPECT_STREQ(at_daemon_.opens[0].name, "cache");
  EXPECT_EQ(at_daemon_.closes[0].request, 6u);
  EXPECT_STREQ(at_daemon_.closes[0].name, "other");
  LinkServiceReply reply{.request = 5, .service_index = 3, .service_incarnation = 4};
  memset(reply.text, 'x', sizeof(reply.text));
  daemon_->Reply(reply);
  Turn();
  ASSERT_THAT(at_agent_.services, SizeIs(1));
  EXPECT_EQ(at_agent_.services[0].service_index, 3u);
  EXPECT_EQ(strlen(at_agent_.services[0].text), kLinkTextBytes - 1) << "always ends";
}

TEST_F(ControlLinkTest, DeathIsTold) {
  Turn();
  agent_->Gone({6, 7});
  Turn();
  EXPECT_THAT(at_daemon_.gone, ElementsAre(tombolo::EndpointId{6, 7}));
}

TEST_F(ControlLinkTest, ResyncOfManyArrivesAsOne) {
  std::vector<tombolo::EndpointId> live;
  for (uint32_t i = 0; i < 3 * kResyncEndpoints + 1; ++i) live.push_back({i, i + 1});
  Turn();
  agent_->Resync(live);
  agent_->Resync({});
  Turn();
  EXPECT_THAT(at_daemon_.resyncs, ElementsAre(live, std::vector<tombolo::EndpointId>{}));
}

TEST_F(ControlLinkTest, MoreThanTheLaneHoldsArrivesInOrder) {
  Turn();
  for (uint64_t i = 0; i < 500; ++i) agent_->Attach(AttachOf(i));
  Turn();
  ASSERT_THAT(at_daemon_.attaches, SizeIs(500));
  for (uint64_t i = 0; i < 500; ++i) EXPECT_EQ(at_daemon_.attaches[i].request, i);
}

TEST_F(ControlLinkTest, DaemonRingsASenderThatWaitsForRoom) {
  Turn();
  for (uint64_t i = 0; i < 100; ++i) agent_->Attach(AttachOf(i));
  agent_rings_ = 0;
  daemon_->Poll();
  EXPECT_GT(agent_rings_, 0);
}

TEST_F(ControlLinkTest, NothingIsSentBeforeTheWelcome) {
  agent_->Attach(AttachOf(1));
  agent_->Gone({1, 1});
  agent_->Resync({});
  Turn();
  EXPECT_THAT(at_daemon_.attaches, SizeIs(0));
  EXPECT_THAT(at_daemon_.resyncs, SizeIs(0));
}

TEST_F(ControlLinkTest, RestartedAgentBeginsOnACleanSlate) {
  Turn();
  agent_->Attach(AttachOf(1));
  StartAgent();
  Turn();
  EXPECT_TRUE(agent_->IsUp());
  EXPECT_THAT(at_daemon_.attaches, SizeIs(0));
  agent_->Attach(AttachOf(2));
  Turn();
  ASSERT_THAT(at_daemon_.attaches, SizeIs(1));
  EXPECT_EQ(at_daemon_.attaches[0].request, 2u);
}

TEST_F(ControlLinkTest, RestartedDaemonGetsAnotherHello) {
  Turn();
  agent_->Attach(AttachOf(1));
  StartDaemon();
  Turn();
  EXPECT_THAT(at_agent_.ups, SizeIs(2));
  EXPECT_THAT(at_daemon_.hellos, SizeIs(2));
  agent_->Attach(AttachOf(2));
  Turn();
  ASSERT_THAT(at_daemon_.attaches, SizeIs(1));
  EXPECT_EQ(at_daemon_.attaches[0].request, 2u);
}

TEST_F(ControlLinkTest, HelloThatADeadDaemonMissedIsRepeated) {
  StartDaemon();
  Turn();
  EXPECT_FALSE(agent_->IsUp());
  agent_->SayHello();
  Turn();
  EXPECT_TRUE(agent_->IsUp());
}

TEST_F(ControlLinkTest, RefusedHelloMayBeRepeated) {
  at_daemon_.refuse = true;
  Turn();
  EXPECT_FALSE(agent_->IsUp());
  at_daemon_.refuse = false;
  agent_->SayHello();
  Turn();
  EXPECT_TRUE(agent_->IsUp());
}

TEST_F(ControlLinkTest, NewcomerMayUseTheNonceOfItsPredecessor) {
  Turn();
  daemon_->Close();
  EXPECT_FALSE(daemon_->IsUp());
  nonce_ = 100;
  StartAgent();
  Turn();
  EXPECT_TRUE(agent_->IsUp());
}

TEST_F(ControlLinkTest, MessagesThatMakeNoSenseStartTheLinkAnew) {
  LinkResync too_many;
  too_many.count = kResyncEndpoints + 1;
  for (int kind = 0; kind < 4; ++kind) {
    Turn();
    ASSERT_TRUE(daemon_->IsUp());
    SmallLaneProducer hostile(area_->to_daemon);
    if (kind == 0) SendAsBroker(hostile, 99, LinkGone{});
    if (kind == 1) SendAsBroker(hostile, static_cast<uint8_t>(LinkTag::kAttach), LinkGone{});
    if (kind == 2) SendAsBroker(hostile, static_cast<uint8_t>(LinkTag::kResync), too_many);
    if (kind == 3) SendAsBroker(hostile, static_cast<uint8_t>(LinkTag::kGone), uint32_t{5});
    daemon_->Poll();
    EXPECT_FALSE(daemon_->IsUp()) << kind;
  }
  EXPECT_THAT(at_daemon_.gone, SizeIs(0));
  Turn();
  EXPECT_TRUE(agent_->IsUp());
}

TEST_F(ControlLinkTest, EndlessResyncStartsTheLinkAnew) {
  Turn();
  LinkResync full;
  full.count = kResyncEndpoints;
  bool went_down = false;
  MessageSender hostile(area_->to_daemon, [] {});
  for (int i = 0; i < 1000 && !went_down; ++i) {
    hostile.Send(LinkMessage::Of(static_cast<uint8_t>(LinkTag::kResync), full));
    daemon_->Poll();
    went_down = !daemon_->IsUp();
  }
  EXPECT_TRUE(went_down);
}

TEST_F(ControlLinkTest, BrokerThatNeverReadsIsGivenUp) {
  Turn();
  for (int i = 0; i < 10'000 && daemon_->IsUp(); ++i) daemon_->Reply(LinkAttachReply{});
  EXPECT_FALSE(daemon_->IsUp());
}

TEST_F(ControlLinkTest, RandomBytesHurtNobody) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 2000; ++round) {
    Turn();
    auto* words = reinterpret_cast<uint64_t*>(area_.get());
    for (int i = 0; i < 20; ++i) words[random() % (sizeof(ControlArea) / 8)] = random();
  }
  area_->hello_nonce.store(0, std::memory_order_relaxed);
  agent_->SayHello();
  Turn();
  EXPECT_TRUE(agent_->IsUp());
}

TEST(BootIdTest, TextIsAUuidAndBack) {
  const BootId id = {0x0123456789abcdef, 0x00000000deadbeef};
  EXPECT_EQ(FormatBootId(id), "01234567-89ab-cdef-0000-0000deadbeef");
  EXPECT_EQ(ParseBootId(FormatBootId(id)).value(), id);
  EXPECT_FALSE(ParseBootId("").ok());
  EXPECT_FALSE(ParseBootId("01234567-89ab-cdef-0000-0000deadbeeg").ok());
  const auto own = ReadBootId();
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ(*own, ReadBootId().value());
}

}  // namespace
}  // namespace tombolo::control
