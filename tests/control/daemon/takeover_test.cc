// A daemon that finds what another one left in its descriptor store. What that one would not have
// come to is taken back by hand.
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "control/link/agent_link.h"
#include "control/link/link_messages.h"
#include "control/registry/membership.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/control/daemon/takeover_fixture.h"
#include "transport/endpoint/membership_view.h"
#include "transport/layout/member_table.h"
#include "transport/region/region.h"

namespace tombolo::control {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// More messages than a Unix socket holds.
constexpr uint32_t kManyVectors = 200;

TEST_F(TakeoverTest, NobodyNoticesAnything) {
  ASSERT_TRUE(Start().ok());
  RawClient machine = Join(2);
  const Attached process = Attach();
  const Region region = Region::Attach(process.memory.Bytes()).value();
  const uint64_t epoch = region.MembershipEpoch().load(std::memory_order_relaxed);
  const size_t heard = machine.Messages().size();
  const PeerList before = List();
  for (int i = 0; i < 3; ++i) {
    Restart();
    const PeerList after = List();
    EXPECT_EQ(after.region_uuid, before.region_uuid);
    EXPECT_EQ(after.snapshot, before.snapshot);
  }
  machine.Read();
  EXPECT_EQ(machine.Messages().size(), heard);
  EXPECT_FALSE(machine.SawEnd());
  EXPECT_EQ(region.MembershipEpoch().load(std::memory_order_relaxed), epoch);
  EXPECT_TRUE(IsLive(region, process.id));
  Send(process.broker.Get(), BrokerOp::kDetach);
  EXPECT_EQ(Hear(process.broker.Get()).code, 0);
  EXPECT_FALSE(IsLive(region, process.id));
  EXPECT_GT(List().snapshot.revision, before.snapshot.revision);
}

TEST_F(TakeoverTest, AWatcherResumesWhereItWasOrIsToldThatThisIsTooLongAgo) {
  ASSERT_TRUE(Start().ok());
  RawClient machine = Join(1);
  const PeerList before = List();
  const uint64_t revision = before.snapshot.revision;
  Restart();
  ControlClient client(options_.runtime_dir + "/control.sock");
  const auto nothing = [](const ControlClient::WatchUpdate&) { return true; };
  EXPECT_TRUE(absl::IsOutOfRange(client.WatchPeers(revision - 1, before.region_uuid, nothing)));
  uint64_t told = 0;
  absl::Status end;
  std::jthread watcher([&] {
    end = client.WatchPeers(revision, before.region_uuid, [&](const auto& update) {
      told = std::get<MembershipEvent>(update).revision;
      return false;
    });
  });
  RawClient next = Join(2);
  watcher.join();
  EXPECT_TRUE(end.ok()) << end;
  EXPECT_EQ(told, revision + 1);
}

TEST_F(TakeoverTest, NewcomersComeToTheSuccessorAndOldSlotsAreNotGivenTwice) {
  ASSERT_TRUE(Start().ok());
  RawClient old = Join(1);
  daemon_.reset();
  RawClient patient(IvshmemServer::AnySlotPath(options_.runtime_dir));
  const UniqueFd broker = Connect();
  Send(broker.Get(), BrokerOp::kAttach);
  Restart();
  RunUntil([&] {
    patient.Read();
    return patient.Messages().size() == 3 + kSlots * kVectors;
  });
  EXPECT_EQ(patient.Slot(), 2);
  EXPECT_EQ(Hear(broker.Get()).code, 0);
  RawClient intruder(IvshmemServer::SlotPath(options_.runtime_dir, 1));
  RunUntil([&] {
    intruder.Read();
    return intruder.SawEnd();
  });
  EXPECT_EQ(intruder.Messages()[0].value, -EBUSY);
}

TEST_F(TakeoverTest, AMachineThatLeftMeanwhileHasLeft) {
  ASSERT_TRUE(Start().ok());
  RawClient machine = Join(1);
  daemon_.reset();
  machine.Close();
  Restart();
  RunUntil([&] { return List().snapshot.peers.size() == 1; });
  EXPECT_FALSE(store_.Kept().contains("slot/1/client"));
  EXPECT_EQ(Join(1).Slot(), 1);
  EXPECT_EQ(List().snapshot.peers[1].incarnation, 2u);
}

TEST_F(TakeoverTest, AnUnfinishedHandshakeIsRefusedAndItsSlotWaitsForItsEnd) {
  options_.limits.vector_count = kManyVectors;
  ASSERT_TRUE(Start().ok());
  RawClient unfinished(IvshmemServer::SlotPath(options_.runtime_dir, 1));
  loop_->Poll();
  unfinished.Read();
  EXPECT_LT(unfinished.Messages().size(), 3 + kSlots * kManyVectors);
  EXPECT_GT(unfinished.Messages().size(), 3u) << "it has got the region";
  Restart();
  unfinished.Read();
  EXPECT_EQ(unfinished.Messages().back().value, -ECONNABORTED);
  RawClient other = RawClient(IvshmemServer::AnySlotPath(options_.runtime_dir));
  RunUntil([&] {
    other.Read();
    return other.Messages().size() == 3 + kSlots * kManyVectors;
  });
  EXPECT_EQ(other.Slot(), 2);
  EXPECT_THAT(List().snapshot.peers, SizeIs(2)) << "the host and the other one";
  unfinished.Close();
  EXPECT_EQ(Join(1).Slot(), 1);
}

TEST_F(TakeoverTest, WhoWasNeverToldIsNoEndpoint) {
  ASSERT_TRUE(Start().ok());
  const Attached process = Attach();
  ForgetSocketOf(process.id);
  Restart();
  EXPECT_THAT(List().snapshot.peers[0].endpoints, IsEmpty());
}

// It may live: its memory is not given away.
TEST_F(TakeoverTest, WhoWasToldAndLostIsAnEndpoint) {
  ASSERT_TRUE(Start().ok());
  const Attached first = Attach();
  const Attached second = Attach();
  ForgetSocketOf(first.id);
  Restart();
  EXPECT_THAT(List().snapshot.peers[0].endpoints, SizeIs(2));
}

TEST_F(TakeoverTest, AMachineThatWasLostKeepsItsSlot) {
  ASSERT_TRUE(Start().ok());
  RawClient lost = Join(1);
  ASSERT_TRUE(store_.Remove("slot/1/client").ok());
  Restart();
  EXPECT_THAT(List().snapshot.peers, SizeIs(2));
  RawClient next(IvshmemServer::SlotPath(options_.runtime_dir, 1));
  RunUntil([&] {
    next.Read();
    return next.SawEnd();
  });
  EXPECT_EQ(next.Messages()[0].value, -EBUSY);
  RawClient any(IvshmemServer::AnySlotPath(options_.runtime_dir));
  RunUntil([&] {
    any.Read();
    return any.Messages().size() > 1;
  });
  EXPECT_EQ(any.Slot(), 2);
}

TEST_F(TakeoverTest, ASuccessorThatCannotServeTheStatusPageServesTheRest) {
  ASSERT_TRUE(Start().ok());
  options_.http = "unix:" + folder_.File("nowhere") + "/http.sock";
  Restart();
  EXPECT_THAT(List().snapshot.peers, SizeIs(1));
  Attach();
}

TEST_F(TakeoverTest, AnAttachThatMayNotHaveBeenAnsweredIsAnsweredOnceMore) {
  ASSERT_TRUE(Start().ok());
  const Attached process = Attach();
  // Its request is still in the socket.
  daemon_.reset();
  Send(process.broker.Get(), BrokerOp::kAttach);
  Restart();
  const BrokerReply again = Hear(process.broker.Get());
  EXPECT_EQ(again.code, 0) << again.text;
  EXPECT_EQ((EndpointId{again.endpoint_index, again.endpoint_incarnation}), process.id);
  EXPECT_EQ(again.memory_bytes, kRegionBytes);
  Send(process.broker.Get(), BrokerOp::kAttach);
  EXPECT_EQ(Hear(process.broker.Get()).code,
            static_cast<int>(absl::StatusCode::kFailedPrecondition));
}

// The agent of a guest, as far as the daemon can tell.
class Agent final : public AgentLinkHandler {
 public:
  void OnUp(uint32_t) override { link->Resync(living); }
  void OnAttachReply(const LinkAttachReply& reply) override {
    living.push_back({reply.endpoint.index, reply.endpoint.incarnation});
  }
  void OnServiceReply(const LinkServiceReply&) override {}

  AgentLink* link = nullptr;
  std::vector<EndpointId> living;
};

TEST_F(TakeoverTest, AGuestsEndpointsAreThoseThatItsAgentNames) {
  ASSERT_TRUE(Start().ok());
  RawClient machine = Join(2);
  const Mapping memory = Mapping::Map(machine.Messages()[2].fd.Get(), 0, kRegionBytes).value();
  const Region region = Region::Attach(memory.Bytes()).value();
  const int doorbell = machine.Messages()[4].fd.Get();  // Of (slot 0, vector 1).
  Agent agent;
  AgentLink link(region.Control(2), {1, 2}, agent, [doorbell] { eventfd_write(doorbell, 1); });
  agent.link = &link;
  const auto talk_until = [&](const std::function<bool()>& done) {
    RunUntil([&] {
      link.Poll();
      return done();
    });
  };
  talk_until([&] { return link.IsUp(); });
  for (uint64_t request = 1; request <= 2; ++request) {
    link.Attach({.request = request, .pid = 5, .name = "rank"});
  }
  talk_until([&] { return agent.living.size() == 2; });
  // Of the second one it has not heard before the daemon was killed.
  agent.living.pop_back();
  Restart();
  talk_until([&] { return List().snapshot.peers[1].endpoints.size() == 1; });
  const PeerInfo peer = List().snapshot.peers[1];
  EXPECT_EQ(peer.state, PeerState::kReady);
  EXPECT_EQ(peer.incarnation, 1u);
  EXPECT_EQ(peer.endpoints[0].id, agent.living[0]);
}

TEST_F(TakeoverTest, ServicesAndTheirWritersAreKnownAndTheDeadAreReaped) {
  ASSERT_TRUE(Start().ok());
  const Attached writer = Attach();
  Send(writer.broker.Get(), BrokerOp::kOpenService, "cache");
  const BrokerReply opened = Hear(writer.broker.Get());
  EXPECT_STREQ(opened.text, "cache") << "the answer says what it answers";
  const Attached other = Attach();
  Send(other.broker.Get(), BrokerOp::kDetach);
  EXPECT_EQ(Hear(other.broker.Get()).code, 0);
  Restart();
  const Attached third = Attach();
  Send(third.broker.Get(), BrokerOp::kOpenService, "cache");
  EXPECT_EQ(Hear(third.broker.Get()).code, static_cast<int>(absl::StatusCode::kAlreadyExists));
  Send(third.broker.Get(), BrokerOp::kDetach);
  EXPECT_EQ(Hear(third.broker.Get()).code, 0);
  RunUntil([&] {
    const Attached next = Attach();
    Send(next.broker.Get(), BrokerOp::kDetach);
    Hear(next.broker.Get());
    return next.id.index == other.id.index && next.id.incarnation > other.id.incarnation;
  });
}

TEST_F(TakeoverTest, AMemberThatScribblesOverTheTablesDoesNotKeepTheSuccessorAway) {
  ASSERT_TRUE(Start().ok());
  RawClient machine = Join(2);
  const Attached process = Attach();
  const PeerList before = List();
  const Region region = Region::Attach(process.memory.Bytes()).value();
  const Offset tables_end = region.Parts().endpoint_lines;
  memset(process.memory.Bytes().data(), 0xa5, tables_end.bytes);
  Restart();
  EXPECT_EQ(List().snapshot, before.snapshot);
  const auto again = Region::Attach(process.memory.Bytes());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->Uuid(), region.Uuid());
  EXPECT_TRUE(IsLive(*again, process.id));
  EXPECT_EQ(IdentityState(again->Slot(2).identity.load(std::memory_order_relaxed)),
            static_cast<uint32_t>(SlotState::kConnected));
}

TEST_F(TakeoverTest, WhatCannotBeGoneOnWithIsSaidAndLeftAlone) {
  ASSERT_TRUE(Start().ok());
  RawClient machine = Join(1);
  daemon_.reset();
  ASSERT_TRUE(store_.Remove("doorbell/2.1").ok());
  const absl::Status status = Start();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("has no doorbell/2.1"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("start it anew"));
  machine.Read();
  EXPECT_FALSE(machine.SawEnd());
  EXPECT_TRUE(std::filesystem::exists(IvshmemServer::SlotPath(options_.runtime_dir, 1)));
}

TEST_F(TakeoverTest, AnotherFolderIsRefused) {
  ASSERT_TRUE(Start().ok());
  daemon_.reset();
  options_.runtime_dir = folder_.File("other");
  EXPECT_THAT(std::string(Start().message()), HasSubstr("its sockets are not in"));
}

TEST_F(TakeoverTest, AFirstStartThatFailedLeavesNothingToGoOnWith) {
  std::filesystem::create_directories(options_.runtime_dir + "/control.sock/in-the-way");
  EXPECT_FALSE(Start().ok());
  std::filesystem::remove_all(options_.runtime_dir + "/control.sock");
  EXPECT_TRUE(std::filesystem::is_empty(options_.runtime_dir));
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(Join(1).Slot(), 1);
}

}  // namespace
}  // namespace tombolo::control
