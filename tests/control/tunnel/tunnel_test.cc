#include <errno.h>
#include <sys/stat.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/control/tunnel/socket_peer.h"
#include "tests/control/tunnel/tunnel_fixture.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr uint64_t kRegionBytes = 32 * kMiB;

std::string TempPath(std::string_view name) {
  static std::atomic<int> count{0};
  return absl::StrCat("/tmp/tombolo-tunnel-", getpid(), "-", count++, "-",
                      absl::string_view(name.data(), name.size()));
}

// Different at every place, for checks of order.
std::string Pattern(uint64_t seed, size_t bytes) {
  std::string text(bytes, '\0');
  uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
  for (char& c : text) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    c = static_cast<char>(state >> 56);
  }
  return text;
}

std::string At(uint16_t port) { return absl::StrCat("127.0.0.1:", port); }

class TunnelTest : public testing::Test {
 protected:
  // A service behind a tunnel, and how to reach it.
  struct Setup {
    std::unique_ptr<TestServer> server;
    std::unique_ptr<RunningTunnel> far;
    std::unique_ptr<RunningTunnel> near;
    std::string address;
    UniqueFd Connect() const { return ConnectBlocking(address); }
  };

  Setup Serve(TestServer::Serve serve, const StreamLimits& limits = {},
              const std::string& server_address = "127.0.0.1:0") {
    Setup setup;
    setup.server = std::make_unique<TestServer>(server_address, std::move(serve));
    setup.far = std::make_unique<RunningTunnel>(
        members_, FarOptions({"service=" + setup.server->Address()}, limits));
    setup.near =
        std::make_unique<RunningTunnel>(members_, NearOptions({"127.0.0.1:0=service"}, limits));
    setup.address = At((*setup.near)->ForwardPort(0));
    return setup;
  }

  SimulatedMembers members_{kRegionBytes};
};

TEST_F(TunnelTest, EchoesOneHundredMegabytesThroughSmallWindows) {
  const StreamLimits small{.least_window_bytes = 4 * kKiB,
                           .largest_window_bytes = 16 * kKiB,
                           .receive_bytes = 16 * kKiB};
  Setup setup = Serve(ServeEcho, small);
  const UniqueFd client = setup.Connect();
  ASSERT_TRUE(client.IsOpen());
  const std::string text = Pattern(1, 100'000'000);
  std::thread sender([&] {
    EXPECT_TRUE(SendAll(client.Get(), text));
    shutdown(client.Get(), SHUT_WR);
  });
  int error = -1;
  const std::string echoed = ReceiveUntilEnd(client.Get(), &error);
  sender.join();
  EXPECT_EQ(error, 0);
  EXPECT_TRUE(echoed == text);
}

TEST_F(TunnelTest, CarriesTwoHundredConnectionsAtOnce) {
  Setup setup = Serve(ServeEcho);
  std::vector<UniqueFd> clients;
  for (uint64_t i = 0; i < 200; ++i) {
    clients.push_back(setup.Connect());
    ASSERT_TRUE(clients.back().IsOpen());
    ASSERT_TRUE(SendAll(clients.back().Get(), Pattern(i, 5000)));
  }
  for (uint64_t i = 0; i < 200; ++i) {
    EXPECT_TRUE(ReceiveExactly(clients[i].Get(), 5000) == Pattern(i, 5000)) << i;
  }
  for (uint64_t i = 0; i < 200; ++i) {
    shutdown(clients[i].Get(), SHUT_WR);
    int error = -1;
    EXPECT_EQ(ReceiveUntilEnd(clients[i].Get(), &error), "");
    EXPECT_EQ(error, 0);
  }
}

TEST_F(TunnelTest, AConnectionHalfClosedByTheClientStillGetsItsAnswer) {
  Setup setup = Serve([](int fd) {
    const std::string question = ReceiveUntilEnd(fd);
    SendAll(fd, "you asked: " + question);
  });
  const UniqueFd client = setup.Connect();
  ASSERT_TRUE(SendAll(client.Get(), "why?"));
  shutdown(client.Get(), SHUT_WR);
  int error = -1;
  EXPECT_EQ(ReceiveUntilEnd(client.Get(), &error), "you asked: why?");
  EXPECT_EQ(error, 0);
}

TEST_F(TunnelTest, AConnectionHalfClosedByTheServerStillTakesData) {
  std::string received;
  {
    Setup setup = Serve([&received](int fd) {
      SendAll(fd, "that is all");
      shutdown(fd, SHUT_WR);
      received = ReceiveUntilEnd(fd);
    });
    const UniqueFd client = setup.Connect();
    EXPECT_EQ(ReceiveUntilEnd(client.Get()), "that is all");
    EXPECT_TRUE(SendAll(client.Get(), Pattern(2, 300'000)));
    shutdown(client.Get(), SHUT_WR);
    setup.server.reset();  // Waits until everything was received.
  }
  EXPECT_TRUE(received == Pattern(2, 300'000));
}

TEST_F(TunnelTest, AResetByTheServerReachesTheClient) {
  Setup setup = Serve([](int fd) {
    ReceiveExactly(fd, 1);
    ResetOnClose(fd);
  });
  const UniqueFd client = setup.Connect();
  ASSERT_TRUE(SendAll(client.Get(), "x"));
  int error = 0;
  ReceiveUntilEnd(client.Get(), &error);
  EXPECT_EQ(error, ECONNRESET);
}

TEST_F(TunnelTest, AResetByTheClientReachesTheServer) {
  std::atomic<int> error{-1};
  {
    Setup setup = Serve([&error](int fd) {
      SendAll(fd, "hello");
      int seen = 0;
      ReceiveUntilEnd(fd, &seen);
      error = seen;
    });
    UniqueFd client = setup.Connect();
    EXPECT_EQ(ReceiveExactly(client.Get(), 5), "hello");
    ResetOnClose(client.Get());
    client.Reset();
    setup.server.reset();
  }
  EXPECT_EQ(error, ECONNRESET);
}

TEST_F(TunnelTest, ATargetThatNobodyListensAtResetsTheConnection) {
  const uint16_t port = LocalPort(SocketAddress::Parse("127.0.0.1:0")->Listen(0)->Get());
  RunningTunnel far(members_, FarOptions({"service=" + At(port)}));
  RunningTunnel near(members_, NearOptions({"127.0.0.1:0=service"}));
  EXPECT_TRUE(IsResetWhenConnected(At(near->ForwardPort(0))));
}

TEST_F(TunnelTest, AServiceThatIsNotAllowedResetsTheConnection) {
  RunningTunnel far(members_, FarOptions({}));
  RunningTunnel near(members_, NearOptions({"127.0.0.1:0=service"}));
  EXPECT_TRUE(IsResetWhenConnected(At(near->ForwardPort(0))));
}

TEST_F(TunnelTest, WithoutAFarAgentConnectionsAreResetAndAnAgentThatComesLaterIsFound) {
  TestServer server("127.0.0.1:0", ServeEcho);
  RunningTunnel near(members_, NearOptions({"127.0.0.1:0=service"}));
  EXPECT_TRUE(IsResetWhenConnected(At(near->ForwardPort(0))));
  for (int restart = 0; restart < 3; ++restart) {
    RunningTunnel far(members_, FarOptions({"service=" + server.Address()}));
    const UniqueFd client = ConnectBlocking(At(near->ForwardPort(0)));
    ASSERT_TRUE(SendAll(client.Get(), "hello"));
    EXPECT_EQ(ReceiveExactly(client.Get(), 5), "hello");
    members_.Kill(far.StopSilently());
    // The near side sees the death and ends the connection.
    int error = 0;
    ReceiveUntilEnd(client.Get(), &error);
    EXPECT_EQ(error, ECONNRESET);
  }
}

TEST_F(TunnelTest, UnixSocketsWorkOnBothSides) {
  const std::string path = TempPath("near.sock");
  TestServer server("unix:" + TempPath("server.sock"), ServeEcho);
  RunningTunnel far(members_, FarOptions({"service=" + server.Address()}));
  {
    RunningTunnel near(members_, NearOptions({"unix:" + path + "=service"}));
    struct stat info;
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0660u);
    const UniqueFd client = ConnectBlocking("unix:" + path);
    ASSERT_TRUE(SendAll(client.Get(), Pattern(3, 100'000)));
    shutdown(client.Get(), SHUT_WR);
    EXPECT_TRUE(ReceiveUntilEnd(client.Get()) == Pattern(3, 100'000));
  }
  EXPECT_NE(access(path.c_str(), F_OK), 0) << "the socket's file goes with its listener";
  unlink(server.Address().c_str() + 5);
}

TEST_F(TunnelTest, AClientThatDoesNotReadStopsTheServerAndNobodyElse) {
  const std::string text = Pattern(4, 30'000'000);
  Setup setup = Serve([&text](int fd) {
    const std::string which = ReceiveExactly(fd, 1);
    SendAll(fd, which == "L" ? std::string_view(text) : "short");
  });
  const UniqueFd lazy = setup.Connect();
  ASSERT_TRUE(SendAll(lazy.Get(), "L"));
  for (int i = 0; i < 20; ++i) {
    const UniqueFd client = setup.Connect();
    ASSERT_TRUE(SendAll(client.Get(), "S"));
    EXPECT_EQ(ReceiveUntilEnd(client.Get()), "short");
  }
  EXPECT_TRUE(ReceiveUntilEnd(lazy.Get()) == text);
}

TEST_F(TunnelTest, NothingIsLeftAfterManyConnections) {
  Setup setup = Serve(ServeEcho);
  for (int i = 0; i < 300; ++i) {
    const UniqueFd client = setup.Connect();
    ASSERT_TRUE(SendAll(client.Get(), "x"));
    if (i % 3 == 0) continue;  // Gone before the answer.
    if (i % 3 == 1) ResetOnClose(client.Get());
    EXPECT_EQ(ReceiveExactly(client.Get(), 1), "x");
  }
  const int64_t deadline_ns = MonotonicNs() + 20 * kNsPerSecond;
  while (setup.near->Count() + setup.far->Count() != 0) {
    ASSERT_LT(MonotonicNs(), deadline_ns) << "connections are left";
  }
  setup.near->Stop();
  EXPECT_EQ((*setup.near)->Loop().Streams().Counters().violations, 0u);
}

}  // namespace
}  // namespace tombolo::control
