#include "control/broker/broker_server.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "gmock/gmock.h"
#include "tests/control/broker/broker_fixture.h"
#include "transport/endpoint/broker_protocol.h"

namespace tombolo::control {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class BrokerServerTest : public BrokerFixture {
 protected:
  UniqueFd Connect() {
    auto socket = ConnectUnix(options_.socket_path, SOCK_SEQPACKET);
    EXPECT_TRUE(socket.ok()) << socket.status();
    return *std::move(socket);
  }

  // Sends `bytes` and gives the reply's code, or -1 when the broker closed without a reply.
  int32_t AnswerTo(int socket, std::span<const std::byte> bytes) {
    EXPECT_EQ(SendMessage(socket, bytes, {}), 0);
    return NextCode(socket);
  }
  int32_t NextCode(int socket) {
    pollfd wait{.fd = socket, .events = POLLIN, .revents = 0};
    EXPECT_TRUE(RunUntil([&wait] { return poll(&wait, 1, 0) == 1; }));
    const auto received =
        ReceiveMessage(socket, std::as_writable_bytes(std::span(&last_reply_, 1)));
    EXPECT_TRUE(received.ok()) << received.status();
    return received.ok() && received->size_bytes > 0 ? last_reply_.code : -1;
  }
  int32_t AnswerTo(int socket, const BrokerRequest& request) {
    return AnswerTo(socket, std::as_bytes(std::span(&request, 1)));
  }

  static constexpr int32_t Code(absl::StatusCode code) { return static_cast<int32_t>(code); }

  BrokerReply last_reply_;
};

TEST_F(BrokerServerTest, AttachGivesIdentityMemoryAndWakeUp) {
  region_->Memory()[99] = std::byte{42};
  ClientProcess client([this](int) {
    const auto broker = BrokerClient::Connect(options_.socket_path);
    if (!broker.ok()) return 1;
    const auto attachment = (*broker)->Attach("rank 0");
    if (!attachment.ok() || attachment->id.incarnation != 7 || attachment->vector != 2) return 2;
    const auto memory = Mapping::Map(attachment->memory_fd.Get(), 0, attachment->memory_bytes);
    if (!memory.ok() || memory->Bytes()[99] != std::byte{42}) return 3;
    const uint64_t one = 1;
    return write(attachment->wake_fd.Get(), &one, sizeof(one)) == sizeof(one) ? 0 : 4;
  });
  ASSERT_TRUE(RunUntil([this] { return !backend_->gone.empty(); }));
  EXPECT_THAT(backend_->names, ElementsAre("rank 0"));
  EXPECT_THAT(backend_->pids, ElementsAre(client.Pid()));
  EXPECT_EQ(client.Await(), 0);
  uint64_t rings = 0;
  EXPECT_EQ(read(region_->Eventfd(0, 2), &rings, sizeof(rings)), ssize_t{sizeof(rings)});
}

TEST_F(BrokerServerTest, ServicesAreOpenedForTheEndpointThatAsks) {
  ClientProcess client([this](int) {
    const auto broker = BrokerClient::Connect(options_.socket_path);
    if (!broker.ok()) return 1;
    if (!(*broker)->Attach("writer").ok()) return 2;
    const auto service = (*broker)->OpenService("cache");
    if (!service.ok() || *service != ServiceId{3, 9}) return 3;
    return (*broker)->CloseService("old").ok() ? 0 : 4;
  });
  ASSERT_TRUE(RunUntil([this] { return !backend_->gone.empty(); }));
  EXPECT_EQ(client.Await(), 0);
  ASSERT_EQ(backend_->opened.size(), 1u);
  EXPECT_EQ(backend_->opened[0].first, "cache");
  EXPECT_EQ(backend_->opened[0].second, (tombolo::EndpointId{0, 7}));
  EXPECT_THAT(backend_->closed, ElementsAre("old"));
}

TEST_F(BrokerServerTest, ARefusedServiceCostsNoConnection) {
  ClientProcess client([this](int channel) {
    const auto broker = BrokerClient::Connect(options_.socket_path);
    if (!broker.ok() || !(*broker)->Attach("writer").ok()) return 1;
    Say(channel);
    Hear(channel);
    if (!absl::IsAlreadyExists((*broker)->OpenService("cache").status())) return 2;
    if (!absl::IsAlreadyExists((*broker)->CloseService("cache"))) return 3;
    return (*broker)->Detach().ok() ? 0 : 4;
  });
  ASSERT_TRUE(HearFrom(client));
  backend_->refusal = absl::AlreadyExistsError("somebody else writes it");
  Say(client.Channel());
  ASSERT_TRUE(RunUntil([this] { return !backend_->gone.empty(); }));
  EXPECT_EQ(client.Await(), 0);
}

TEST_F(BrokerServerTest, AStrangerOpensNoServices) {
  for (const BrokerOp op : {BrokerOp::kOpenService, BrokerOp::kCloseService}) {
    const UniqueFd socket = Connect();
    BrokerRequest request;
    request.op = op;
    EXPECT_EQ(AnswerTo(socket.Get(), request), Code(absl::StatusCode::kFailedPrecondition));
  }
  EXPECT_TRUE(backend_->opened.empty());
  EXPECT_TRUE(backend_->closed.empty());
}

TEST_F(BrokerServerTest, KilledProcessIsProvenDead) {
  const auto client = AttachedProcess();
  EXPECT_THAT(backend_->gone, ElementsAre());
  client->Kill();
  ASSERT_TRUE(RunUntil([this] { return !backend_->gone.empty(); }));
  EXPECT_THAT(backend_->gone, ElementsAre(tombolo::EndpointId{0, 7}));
  EXPECT_EQ(server_->ClientCount(), 0u);
  EXPECT_EQ(store_.Kept().size(), 1u);  // The listener.
}

TEST_F(BrokerServerTest, OneProcessMayHaveSeveralEndpoints) {
  ClientProcess client([this](int channel) {
    const auto one = BrokerClient::Connect(options_.socket_path);
    const auto two = BrokerClient::Connect(options_.socket_path);
    if (!one.ok() || !two.ok() || !(*one)->Attach("one").ok() || !(*two)->Attach("two").ok()) {
      return 1;
    }
    Say(channel);
    while (true) pause();
  });
  ASSERT_TRUE(HearFrom(client));
  EXPECT_EQ(server_->Endpoints().size(), 2u);
  client.Kill();
  ASSERT_TRUE(RunUntil([this] { return backend_->gone.size() == 2; }));
  EXPECT_THAT(backend_->gone,
              UnorderedElementsAre(tombolo::EndpointId{0, 7}, tombolo::EndpointId{1, 7}));
}

TEST_F(BrokerServerTest, ClosedSocketAloneProvesNothing) {
  ClientProcess client([this](int channel) {
    {
      const auto broker = BrokerClient::Connect(options_.socket_path);
      if (!broker.ok() || !(*broker)->Attach("detacher").ok()) return 1;
      Say(channel);
      Hear(channel);
    }
    Say(channel);
    while (true) pause();
  });
  ASSERT_TRUE(HearFrom(client));
  Say(client.Channel());
  ASSERT_TRUE(HearFrom(client));
  loop_->Poll();
  EXPECT_EQ(server_->Endpoints().size(), 1u);
  EXPECT_THAT(backend_->gone, ElementsAre());
  client.Kill();
  EXPECT_TRUE(RunUntil([this] { return backend_->gone.size() == 1; }));
}

TEST_F(BrokerServerTest, DetachIsItsOwnProof) {
  ClientProcess client([this](int channel) {
    const auto broker = BrokerClient::Connect(options_.socket_path);
    if (!broker.ok() || !(*broker)->Attach("detacher").ok() || !(*broker)->Detach().ok()) return 1;
    Say(channel);
    while (true) pause();
  });
  ASSERT_TRUE(HearFrom(client));
  EXPECT_THAT(backend_->gone, ElementsAre(tombolo::EndpointId{0, 7}));
  EXPECT_EQ(server_->ClientCount(), 0u);
}

TEST_F(BrokerServerTest, DoorbellsAreHandedOut) {
  ClientProcess client([this](int) {
    const auto broker = BrokerClient::Connect(options_.socket_path);
    if (!broker.ok() || (*broker)->FetchDoorbell(1, 3).ok()) return 1;
    const auto again = BrokerClient::Connect(options_.socket_path);
    if (!again.ok() || !(*again)->Attach("ringer").ok()) return 2;
    if (!absl::IsNotFound((*again)->FetchDoorbell(9, 9).status())) return 3;
    const auto eventfd = (*again)->FetchDoorbell(1, 3);
    const uint64_t one = 1;
    return eventfd.ok() && write(eventfd->Get(), &one, sizeof(one)) == sizeof(one) ? 0 : 4;
  });
  ASSERT_TRUE(RunUntil([this] { return !backend_->gone.empty(); }));
  EXPECT_EQ(client.Await(), 0);
  uint64_t rings = 0;
  EXPECT_EQ(read(region_->Eventfd(1, 3), &rings, sizeof(rings)), ssize_t{sizeof(rings)});
}

TEST_F(BrokerServerTest, SuccessorServesTheClientsOfItsPredecessor) {
  ClientProcess client([this](int channel) {
    const auto broker = BrokerClient::Connect(options_.socket_path);
    if (!broker.ok() || !(*broker)->Attach("survivor").ok()) return 1;
    Say(channel);
    Hear(channel);
    if (!(*broker)->FetchDoorbell(1, 3).ok()) return 2;
    Say(channel);
    while (true) pause();
  });
  ASSERT_TRUE(HearFrom(client));
  StartAnew();
  EXPECT_THAT(server_->Endpoints(), ElementsAre(ServedEndpoint{{0, 7}, 2, client.Pid()}));
  Say(client.Channel());
  ASSERT_TRUE(HearFrom(client));
  client.Kill();
  EXPECT_TRUE(RunUntil([this] { return backend_->gone.size() == 1; }));
}

TEST_F(BrokerServerTest, SuccessorLearnsOfDeathsInBetween) {
  const auto client = AttachedProcess();
  server_.reset();
  client->Kill();
  Start();
  ASSERT_TRUE(RunUntil([this] { return !backend_->gone.empty(); }));
  EXPECT_THAT(backend_->gone, ElementsAre(tombolo::EndpointId{0, 7}));
  EXPECT_EQ(store_.Kept().size(), 1u);
}

// The kernel's queue is what survives a broker that is killed while it serves.
TEST_F(BrokerServerTest, ARequestStaysInTheSocketUntilItIsAnswered) {
  const UniqueFd socket = Connect();
  EXPECT_EQ(AnswerTo(socket.Get(), BrokerRequest{}), 0);
  const auto unread_bytes = [&socket] {
    int bytes = -1;
    EXPECT_EQ(ioctl(socket.Get(), SIOCOUTQ, &bytes), 0);
    return bytes;
  };
  int while_serving = 0;
  backend_->on_doorbell = [&] { while_serving = unread_bytes(); };
  BrokerRequest request;
  request.op = BrokerOp::kDoorbell;
  request.slot = 1;
  request.vector = 3;
  EXPECT_EQ(AnswerTo(socket.Get(), request), 0);
  EXPECT_GT(while_serving, 0);
  EXPECT_EQ(unread_bytes(), 0);
  EXPECT_EQ(last_reply_.slot, 1);
  EXPECT_EQ(last_reply_.vector, 3);
}

TEST_F(BrokerServerTest, ASuccessorAnswersAnAttachOnceMoreAndNoSecondOne) {
  const UniqueFd socket = Connect();
  EXPECT_EQ(AnswerTo(socket.Get(), BrokerRequest{}), 0);
  const uint32_t index = last_reply_.endpoint_index;
  StartAnew();
  EXPECT_EQ(AnswerTo(socket.Get(), BrokerRequest{}), 0);
  EXPECT_EQ(last_reply_.endpoint_index, index);
  EXPECT_EQ(AnswerTo(socket.Get(), BrokerRequest{}), Code(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(last_reply_.text, HasSubstr("has attached already"));
}

TEST_F(BrokerServerTest, NewcomersWaitForTheSuccessor) {
  server_.reset();
  ClientProcess client([this](int) {
    const auto broker = BrokerClient::Connect(options_.socket_path);
    return broker.ok() && (*broker)->Attach("patient").ok() ? 0 : 1;
  });
  Start();
  ASSERT_TRUE(RunUntil([this] { return !backend_->gone.empty(); }));
  EXPECT_EQ(client.Await(), 0);
}

TEST_F(BrokerServerTest, RefusalReachesTheClient) {
  backend_->refusal = absl::ResourceExhaustedError("every endpoint record is taken");
  const UniqueFd socket = Connect();
  EXPECT_EQ(AnswerTo(socket.Get(), BrokerRequest{}), Code(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(last_reply_.text, HasSubstr("every endpoint record is taken"));
  EXPECT_EQ(NextCode(socket.Get()), -1);
  EXPECT_EQ(store_.Kept().size(), 1u);
}

TEST_F(BrokerServerTest, PacketsThatMakeNoSenseAreAnsweredAndTheConnectionClosed) {
  BrokerRequest bad_magic;
  bad_magic.magic = 1;
  BrokerRequest bad_version;
  bad_version.version = 99;
  BrokerRequest bad_op;
  bad_op.op = static_cast<BrokerOp>(77);
  BrokerRequest early_detach;
  early_detach.op = BrokerOp::kDetach;
  for (const BrokerRequest& request : {bad_magic, bad_version, bad_op, early_detach}) {
    const UniqueFd socket = Connect();
    EXPECT_GT(AnswerTo(socket.Get(), request), 0);
    EXPECT_EQ(NextCode(socket.Get()), -1);
  }
  for (const size_t size : {1u, 47u, 49u, 5000u}) {
    const UniqueFd socket = Connect();
    EXPECT_GT(AnswerTo(socket.Get(), std::vector<std::byte>(size)), 0) << size;
    EXPECT_EQ(NextCode(socket.Get()), -1);
  }
  EXPECT_EQ(server_->ClientCount(), 0u);
}

TEST_F(BrokerServerTest, PacketsThatMakeNoSenseCostAnEndpointNothing) {
  const UniqueFd socket = Connect();
  EXPECT_EQ(AnswerTo(socket.Get(), BrokerRequest{}), 0);
  for (const size_t size : {1u, 47u, 49u, 5000u}) {
    EXPECT_EQ(AnswerTo(socket.Get(), std::vector<std::byte>(size)),
              Code(absl::StatusCode::kInvalidArgument));
  }
  BrokerRequest doorbell;
  doorbell.op = BrokerOp::kDoorbell;
  EXPECT_EQ(AnswerTo(socket.Get(), doorbell), 0);
}

TEST_F(BrokerServerTest, SecondAttachEndsTheConnectionButNotTheEndpoint) {
  const UniqueFd socket = Connect();
  EXPECT_EQ(AnswerTo(socket.Get(), BrokerRequest{}), 0);
  EXPECT_EQ(AnswerTo(socket.Get(), BrokerRequest{}), Code(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(NextCode(socket.Get()), -1);
  EXPECT_EQ(server_->Endpoints().size(), 1u);
}

TEST_F(BrokerServerTest, ClientThatVanishesBeforeTheGrantNeverWas) {
  backend_->postpone = true;
  {
    const UniqueFd socket = Connect();
    const BrokerRequest request;
    ASSERT_EQ(SendMessage(socket.Get(), std::as_bytes(std::span(&request, 1)), {}), 0);
    ASSERT_TRUE(RunUntil([this] { return backend_->postponed.size() == 1; }));
  }
  ASSERT_TRUE(RunUntil([this] { return server_->ClientCount() == 0; }));
  backend_->postponed[0](backend_->Answer());
  EXPECT_THAT(backend_->gone, ElementsAre(tombolo::EndpointId{0, 7}));
  EXPECT_EQ(store_.Kept().size(), 1u);
}

TEST_F(BrokerServerTest, SilentClientIsDropped) {
  options_.handshake_deadline_ns = 20 * kNsPerMs;
  StartAnew();
  EXPECT_EQ(NextCode(Connect().Get()), -1);
  EXPECT_EQ(server_->ClientCount(), 0u);
}

TEST_F(BrokerServerTest, TooManyClientsAreTurnedAway) {
  options_.max_clients = 2;
  StartAnew();
  const UniqueFd one = Connect();
  const UniqueFd two = Connect();
  ASSERT_TRUE(RunUntil([this] { return server_->ClientCount() == 2; }));
  EXPECT_EQ(NextCode(Connect().Get()), -1);
  EXPECT_EQ(AnswerTo(one.Get(), BrokerRequest{}), 0);
}

TEST_F(BrokerServerTest, OneProcessThatDoesNotAttachLeavesRoomForOthers) {
  options_.max_unattached_of_process = 1;
  StartAnew();
  const UniqueFd one = Connect();
  EXPECT_EQ(NextCode(Connect().Get()), -1);
  EXPECT_EQ(AnswerTo(one.Get(), BrokerRequest{}), 0);
  EXPECT_EQ(AnswerTo(Connect().Get(), BrokerRequest{}), 0);
}

TEST_F(BrokerServerTest, ServesAgainWhenDescriptorsAreThereAgain) {
  const UniqueFd socket = Connect();
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const UniqueFd next_free(dup(socket.Get()));
  const rlimit none_left{static_cast<rlim_t>(next_free.Get()), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none_left), 0);
  loop_->RunOnce();
  EXPECT_EQ(server_->ClientCount(), 0u);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(AnswerTo(socket.Get(), BrokerRequest{}), 0);
}

TEST_F(BrokerServerTest, AKilledClientIsGoneWhenItIsDead) {
  const auto client = AttachedProcess();
  const absl::StatusOr<pid_t> killed = server_->Kill({0, 7});
  ASSERT_TRUE(killed.ok()) << killed.status();
  EXPECT_EQ(*killed, client->Pid());
  EXPECT_TRUE(backend_->gone.empty());
  ASSERT_TRUE(RunUntil([this] { return !backend_->gone.empty(); }));
  EXPECT_TRUE(client->HasEnded());
}

TEST_F(BrokerServerTest, OnlyThatLifeOfAnEndpointIsKilled) {
  const auto client = AttachedProcess();
  EXPECT_TRUE(absl::IsNotFound(server_->Kill({0, 6}).status()));
  EXPECT_TRUE(absl::IsNotFound(server_->Kill({1, 7}).status()));
  EXPECT_FALSE(client->HasEnded());
}

TEST_F(BrokerServerTest, SocketFileIsRemovedInTheEnd) {
  server_->RemoveSocketFile();
  EXPECT_FALSE(std::filesystem::exists(options_.socket_path));
}

}  // namespace
}  // namespace tombolo::control
