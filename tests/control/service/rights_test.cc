// Who may call what: every call of every service, made by guests, operators and administrators.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/proto/admin.grpc.pb.h"
#include "control/proto/membership.grpc.pb.h"
#include "control/proto/regions.grpc.pb.h"
#include "control/proto/services.grpc.pb.h"
#include "control/service/administrators.h"
#include "tests/control/service/served_registry.h"
#include "tests/control/service/watch_client.h"
#include "transport/base/unique_fd.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A user that nobody is.
constexpr uid_t kStranger = 4'000'000'000;
const Administrators kNobody({kStranger}, std::nullopt);

const std::vector<std::string> kServices = {
    "tombolo.control.v1.Membership", "tombolo.control.v1.Services", "tombolo.control.v1.Admin",
    "tombolo.control.v1.Regions", "tombolo.control.v1.Cluster"};

// What everybody may call who is let in. A call that is not named here is an administrator's.
const std::set<std::string> kForReaders = {
    "/tombolo.control.v1.Membership/ListPeers",  "/tombolo.control.v1.Membership/DescribePeer",
    "/tombolo.control.v1.Membership/WatchPeers", "/tombolo.control.v1.Membership/GetRegion",
    "/tombolo.control.v1.Services/ListServices", "/tombolo.control.v1.Services/WatchServices",
    "/tombolo.control.v1.Cluster/GetCluster"};

// What only those readers may call who are no guests.
constexpr char kNotForGuests[] = "/tombolo.control.v1.Cluster/GetCluster";

// All calls that tombolo.control.v1 has.
std::set<std::string> AllCalls() {
  std::set<std::string> calls;
  for (const std::string& name : kServices) {
    const auto* service =
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
    EXPECT_NE(service, nullptr) << name;
    for (int i = 0; service != nullptr && i < service->method_count(); ++i) {
      calls.insert("/" + name + "/" + service->method(i)->name());
    }
  }
  return calls;
}

// Makes `call` with an empty request; a stream is left after its beginning.
grpc::Status Call(const std::string& path, const std::string& call) {
  grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub(ChannelTo(path));
  const grpc::Slice nothing;
  grpc::ByteBuffer received;
  grpc::ClientContext context;
  SetDeadline(context);
  grpc::CompletionQueue queue;
  auto reader = stub.PrepareUnaryCall(&context, call, grpc::ByteBuffer(&nothing, 1), &queue);
  reader->StartCall();
  grpc::Status status;
  reader->Finish(&received, &status, nullptr);
  void* tag;
  bool ok;
  queue.Next(&tag, &ok);
  return status;
}

class RightsTest : public ::testing::Test {
 protected:
  std::set<std::string> Refused(const std::string& path) {
    std::set<std::string> refused;
    for (const std::string& call : AllCalls()) {
      // A stream never ends by itself.
      if (call.ends_with("/WatchPeers") || call.ends_with("/WatchServices")) continue;
      if (Call(path, call).error_code() == grpc::StatusCode::PERMISSION_DENIED) {
        refused.insert(call);
      }
    }
    return refused;
  }

  // All calls that are not for readers.
  static std::set<std::string> ForAdministrators() {
    std::set<std::string> calls = AllCalls();
    for (const std::string& call : kForReaders) EXPECT_EQ(calls.erase(call), 1u) << call;
    return calls;
  }

  static std::set<std::string> RefusedToGuests() {
    std::set<std::string> calls = ForAdministrators();
    calls.insert(kNotForGuests);
    return calls;
  }

  ServedRegistry served_;
};

TEST_F(RightsTest, GuestsMayReadAndNothingElse) {
  ASSERT_TRUE(served_.Serve().ok());
  EXPECT_EQ(Refused(served_.GuestPath()), RefusedToGuests());
  EXPECT_THAT(Call(served_.GuestPath(), "/tombolo.control.v1.Membership/Evict").error_message(),
              HasSubstr("ask on the host"));
  EXPECT_THAT(served_.Actions().Asked(), IsEmpty());
}

TEST_F(RightsTest, OperatorsWhoAreNoAdministratorsMayReadAndNothingElse) {
  ASSERT_TRUE(served_.Serve(kNobody).ok());
  EXPECT_EQ(Refused(served_.OperatorPath()), ForAdministrators());
  EXPECT_THAT(Call(served_.OperatorPath(), "/tombolo.control.v1.Membership/Evict").error_message(),
              HasSubstr("group tombolo-admin"));
  EXPECT_THAT(served_.Actions().Asked(), IsEmpty());
}

TEST_F(RightsTest, AdministratorsAreRefusedNothing) {
  ASSERT_TRUE(served_.Serve().ok());
  EXPECT_THAT(Refused(served_.OperatorPath()), IsEmpty());
}

// The guests' socket makes nobody an administrator, whoever connects to it.
TEST_F(RightsTest, AdministratorsAreNoneAtTheGuestsSocket) {
  ASSERT_TRUE(served_.Serve(Administrators({kStranger, geteuid()}, std::nullopt)).ok());
  EXPECT_EQ(Refused(served_.GuestPath()), RefusedToGuests());
}

class AdministratorsTest : public ::testing::Test {
 protected:
  const std::pair<UniqueFd, UniqueFd> pair_ = UnixSocketPair(SOCK_STREAM).value();
  const int socket_ = pair_.first.Get();
};

TEST_F(AdministratorsTest, TheOwnUserIsOne) {
  EXPECT_TRUE(Administrators::OfThisProcess().Include(socket_));
  EXPECT_TRUE(Administrators({geteuid()}, std::nullopt).Include(socket_));
}

TEST_F(AdministratorsTest, OthersAreNone) { EXPECT_FALSE(kNobody.Include(socket_)); }

TEST_F(AdministratorsTest, MembersOfTheGroupAreSome) {
  EXPECT_TRUE(Administrators({kStranger}, getegid()).Include(socket_));
  EXPECT_FALSE(Administrators({kStranger}, gid_t{kStranger}).Include(socket_));
}

TEST_F(AdministratorsTest, SecondaryGroupsCount) {
  std::vector<gid_t> groups(static_cast<size_t>(getgroups(0, nullptr)));
  ASSERT_GE(getgroups(static_cast<int>(groups.size()), groups.data()), 0);
  for (const gid_t group : groups) {
    EXPECT_TRUE(Administrators({kStranger}, group).Include(socket_)) << group;
  }
}

TEST_F(AdministratorsTest, WhatIsNoUnixSocketIsNobodys) {
  const UniqueFd tcp(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_FALSE(kNobody.Include(tcp.Get()));
  EXPECT_FALSE(kNobody.Include(-1));
}

}  // namespace
}  // namespace tombolo::control
