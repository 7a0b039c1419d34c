// The server's sockets and everything but WatchPeers, over a real client.
#include "control/service/control_server.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "control/proto/membership.grpc.pb.h"
#include "control/registry/registry.h"
#include "control/service/membership_view.h"
#include "tests/control/service/served_registry.h"
#include "tests/control/service/watch_client.h"
#include "tests/support/spin.h"
#include "transport/base/unique_fd.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ControlServerTest : public ::testing::Test {
 protected:
  std::unique_ptr<v1::Membership::Stub> Stub(const std::string& path) {
    return v1::Membership::NewStub(ChannelTo(path));
  }

  ServedRegistry served_;
};

TEST_F(ControlServerTest, ListsPeersWithTheirEndpointsToBothAudiences) {
  served_.PlugReady(4, "boot-4");
  ASSERT_TRUE(served_.Members().AttachEndpoint({.slot = 4, .name = "agent", .pid = 77}).ok());
  ASSERT_TRUE(served_.Serve().ok());
  for (const std::string& path : {served_.OperatorPath(), served_.GuestPath()}) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::ListPeersResponse response;
    const grpc::Status status = Stub(path)->ListPeers(&context, {}, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.revision(), 5u);
    EXPECT_EQ(response.region_uuid(), kTestRegionUuid);
    ASSERT_EQ(response.peers_size(), 2);
    EXPECT_EQ(response.peers(1).boot_id(), "boot-4");
    ASSERT_EQ(response.peers(1).endpoints_size(), 1);
    EXPECT_EQ(response.peers(1).endpoints(0).pid(), 77);
  }
}

TEST_F(ControlServerTest, ListIsUpToDateAsSoonAsTheRegistryHasChanged) {
  ASSERT_TRUE(served_.Serve().ok());
  const auto stub = Stub(served_.OperatorPath());
  for (uint32_t slot = 1; slot < 16; ++slot) {
    ASSERT_TRUE(served_.Members().OccupySlot(slot, PeerKind::kVm, 0).ok());
    grpc::ClientContext context;
    SetDeadline(context);
    v1::ListPeersResponse response;
    ASSERT_TRUE(stub->ListPeers(&context, {}, &response).ok());
    EXPECT_EQ(response.peers_size(), static_cast<int>(slot) + 1);
  }
}

TEST_F(ControlServerTest, DescribesOnePeerToBothAudiences) {
  served_.PlugReady(4, "boot-4");
  ASSERT_TRUE(served_.Members().AttachEndpoint({.slot = 4, .name = "agent", .pid = 77}).ok());
  ASSERT_TRUE(served_.Serve().ok());
  for (const std::string& path : {served_.OperatorPath(), served_.GuestPath()}) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::DescribePeerRequest request;
    request.set_slot(4);
    v1::DescribePeerResponse response;
    ASSERT_TRUE(Stub(path)->DescribePeer(&context, request, &response).ok());
    EXPECT_EQ(response.revision(), 5u);
    EXPECT_EQ(response.peer().boot_id(), "boot-4");
    ASSERT_EQ(response.peer().endpoints_size(), 1);
    EXPECT_EQ(response.peer().endpoints(0).name(), "agent");
  }
}

TEST_F(ControlServerTest, VacantSlotIsNotFound) {
  ASSERT_TRUE(served_.Serve().ok());
  for (const uint32_t slot : {5u, 4711u}) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::DescribePeerRequest request;
    request.set_slot(slot);
    v1::DescribePeerResponse response;
    const grpc::Status status =
        Stub(served_.OperatorPath())->DescribePeer(&context, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_THAT(status.error_message(), HasSubstr(std::to_string(slot)));
  }
}

TEST_F(ControlServerTest, EvictionsArePassedOnWithTheirIncarnation) {
  ASSERT_TRUE(served_.Serve().ok());
  const auto stub = Stub(served_.OperatorPath());
  v1::EvictRequest request;
  request.mutable_peer()->set_slot(3);
  request.mutable_peer()->set_incarnation(7);
  v1::EvictResponse response;
  grpc::ClientContext first;
  SetDeadline(first);
  ASSERT_TRUE(stub->Evict(&first, request, &response).ok());
  EXPECT_EQ(response.pid(), RecordingActions::kPid);
  request.mutable_endpoint()->set_index(9);
  request.mutable_endpoint()->set_incarnation(2);
  served_.Actions().SetAnswer(absl::NotFoundError("it is gone"));
  grpc::ClientContext second;
  SetDeadline(second);
  const grpc::Status gone = stub->Evict(&second, request, &response);
  EXPECT_EQ(gone.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(gone.error_message(), "it is gone");
  EXPECT_THAT(served_.Actions().Asked(), ElementsAre("peer 3.7", "endpoint 9.2"));
}

TEST_F(ControlServerTest, NobodyIsEvictedWhoIsNotNamed) {
  ASSERT_TRUE(served_.Serve().ok());
  grpc::ClientContext context;
  SetDeadline(context);
  v1::EvictResponse response;
  EXPECT_EQ(Stub(served_.OperatorPath())->Evict(&context, {}, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(served_.Actions().Asked(), IsEmpty());
}

TEST_F(ControlServerTest, DescribesTheRegion) {
  ASSERT_TRUE(served_.Serve().ok());
  grpc::ClientContext context;
  SetDeadline(context);
  v1::GetRegionResponse response;
  ASSERT_TRUE(Stub(served_.GuestPath())->GetRegion(&context, {}, &response).ok());
  EXPECT_EQ(response.region().uuid(), kTestRegionUuid);
  EXPECT_EQ(response.region().slots(), 16u);
  EXPECT_EQ(response.region().vectors(), 16u);
  EXPECT_EQ(response.region().membership_epoch(), 2u);
  EXPECT_EQ(response.region().free_bytes(), kTestFreeBytes);
}

// `request` and the answer are encoded messages: Debian ships no stubs of the health service.
grpc::Status CallRaw(const std::string& path, const std::string& method, const std::string& request,
                     std::string* response) {
  grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub(ChannelTo(path));
  const grpc::Slice slice(request);
  const grpc::ByteBuffer sent(&slice, 1);
  grpc::ByteBuffer received;
  grpc::ClientContext context;
  SetDeadline(context);
  grpc::CompletionQueue queue;
  auto call = stub.PrepareUnaryCall(&context, method, sent, &queue);
  call->StartCall();
  grpc::Status status;
  call->Finish(&received, &status, nullptr);
  void* tag;
  bool ok;
  queue.Next(&tag, &ok);
  grpc::Slice flat;
  if (status.ok() && received.DumpToSingleSlice(&flat).ok()) {
    response->assign(reinterpret_cast<const char*>(flat.begin()), flat.size());
  }
  return status;
}

TEST_F(ControlServerTest, HealthOfTheServiceIsServing) {
  ASSERT_TRUE(served_.Serve().ok());
  // HealthCheckRequest{service = 1}; HealthCheckResponse{status = 1: SERVING}.
  const std::string service = "tombolo.control.v1.Membership";
  const std::string named = "\x0a" + std::string(1, static_cast<char>(service.size())) + service;
  for (const std::string& request : {std::string(), named}) {
    std::string response;
    const grpc::Status status =
        CallRaw(served_.GuestPath(), "/grpc.health.v1.Health/Check", request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response, std::string("\x08\x01"));
  }
}

// Waits for the one operation that was started.
bool Step(grpc::CompletionQueue& queue) {
  void* tag;
  bool ok = false;
  return queue.Next(&tag, &ok) && ok;
}

// The answer of server reflection to "which services are there?", as it is encoded.
std::string ReflectedServices(const std::string& path) {
  grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub(ChannelTo(path));
  grpc::ClientContext context;
  SetDeadline(context);
  grpc::CompletionQueue queue;
  auto call = stub.PrepareCall(
      &context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  call->StartCall(nullptr);
  EXPECT_TRUE(Step(queue));
  const grpc::Slice list_services("\x3a\x00", 2);  // ServerReflectionRequest{list_services = 7}.
  call->Write(grpc::ByteBuffer(&list_services, 1), nullptr);
  EXPECT_TRUE(Step(queue));
  grpc::ByteBuffer received;
  call->Read(&received, nullptr);
  EXPECT_TRUE(Step(queue));
  grpc::Slice flat;
  if (!received.DumpToSingleSlice(&flat).ok()) return "";
  return std::string(reinterpret_cast<const char*>(flat.begin()), flat.size());
}

TEST_F(ControlServerTest, ReflectionListsTheServices) {
  ASSERT_TRUE(served_.Serve().ok());
  const std::string services = ReflectedServices(served_.OperatorPath());
  EXPECT_THAT(services, HasSubstr("tombolo.control.v1.Membership"));
  EXPECT_THAT(services, HasSubstr("grpc.health.v1.Health"));
}

// Channelz tells of all connections, those of others included.
TEST_F(ControlServerTest, ChannelzIsForAdministratorsOnly) {
  ASSERT_TRUE(served_.Serve().ok());
  EXPECT_THAT(ReflectedServices(served_.OperatorPath()), HasSubstr("grpc.channelz.v1.Channelz"));
  EXPECT_THAT(ReflectedServices(served_.GuestPath()), Not(HasSubstr("channelz")));
  std::string servers;
  const std::string call = "/grpc.channelz.v1.Channelz/GetServers";
  EXPECT_TRUE(CallRaw(served_.OperatorPath(), call, "", &servers).ok());
  EXPECT_EQ(CallRaw(served_.GuestPath(), call, "", &servers).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(ControlServerTest, OversizedRequestIsRefused) {
  ASSERT_TRUE(served_.Serve().ok());
  std::string response;
  const grpc::Status status =
      CallRaw(served_.GuestPath(), "/tombolo.control.v1.Membership/ListPeers",
              std::string(100'000, 'x'), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(ControlServerTest, FloodOfConnectionsEndsWithTheFlood) {
  ASSERT_TRUE(served_.Serve().ok());
  std::vector<UniqueFd> idle;
  for (size_t i = 0; i < 4 * ControlServer::kMaxConnections; ++i) {
    absl::StatusOr<UniqueFd> connection = ConnectUnix(served_.GuestPath(), SOCK_STREAM);
    ASSERT_TRUE(connection.ok()) << connection.status();
    idle.push_back(*std::move(connection));
  }
  // Guests who take all their places take none of the operators'.
  grpc::ClientContext context;
  SetDeadline(context);
  v1::ListPeersResponse response;
  EXPECT_TRUE(Stub(served_.OperatorPath())->ListPeers(&context, {}, &response).ok());
  idle.clear();
  EXPECT_TRUE(SpinUntil([this] {
    grpc::ClientContext guest;
    SetDeadline(guest);
    v1::ListPeersResponse ignored;
    return Stub(served_.GuestPath())->ListPeers(&guest, {}, &ignored).ok();
  }));
}

TEST_F(ControlServerTest, SocketFilesAreForOwnerAndGroupOnly) {
  ASSERT_TRUE(served_.Serve().ok());
  for (const std::string& path : {served_.OperatorPath(), served_.GuestPath()}) {
    struct stat info;
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_TRUE(S_ISSOCK(info.st_mode));
    EXPECT_EQ(info.st_mode & 0777, 0660u);
  }
}

TEST_F(ControlServerTest, ShutdownRemovesTheSocketFiles) {
  ASSERT_TRUE(served_.Serve().ok());
  served_.Server().Shutdown();
  struct stat info;
  EXPECT_NE(stat(served_.OperatorPath().c_str(), &info), 0);
  EXPECT_NE(stat(served_.GuestPath().c_str(), &info), 0);
}

TEST_F(ControlServerTest, SocketOfALivingServerIsRefusedAndStaysAlive) {
  ASSERT_TRUE(served_.Serve().ok());
  ServedRegistry other;
  const auto second =
      ControlServer::Start(other.View(), other.Actions(), {.sockets = {{served_.OperatorPath()}}});
  EXPECT_TRUE(absl::IsAlreadyExists(second.status())) << second.status();
  EXPECT_THAT(second.status().message(), HasSubstr(served_.OperatorPath()));
  grpc::ClientContext context;
  SetDeadline(context);
  v1::ListPeersResponse response;
  EXPECT_TRUE(Stub(served_.OperatorPath())->ListPeers(&context, {}, &response).ok());
}

TEST_F(ControlServerTest, StaleSocketIsReplaced) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, served_.OperatorPath().c_str(), sizeof(address.sun_path) - 1);
  const int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  close(dead);
  ASSERT_TRUE(served_.Serve().ok());
  grpc::ClientContext context;
  SetDeadline(context);
  v1::ListPeersResponse response;
  EXPECT_TRUE(Stub(served_.OperatorPath())->ListPeers(&context, {}, &response).ok());
}

TEST_F(ControlServerTest, FileThatIsNoSocketIsLeftAlone) {
  std::ofstream(served_.OperatorPath()) << "precious";
  EXPECT_TRUE(absl::IsAlreadyExists(served_.Serve()));
  std::string content;
  std::ifstream(served_.OperatorPath()) >> content;
  EXPECT_EQ(content, "precious");
}

TEST_F(ControlServerTest, TooLongPathIsOneClearSentence) {
  const std::string path = served_.Folder() + "/" + std::string(120, 'p');
  const auto server =
      ControlServer::Start(served_.View(), served_.Actions(), {.sockets = {{path}}});
  EXPECT_TRUE(absl::IsInvalidArgument(server.status()));
  EXPECT_THAT(server.status().message(), HasSubstr("shorter folder"));
}

}  // namespace
}  // namespace tombolo::control
