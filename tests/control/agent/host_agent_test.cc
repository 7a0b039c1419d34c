// tombolod and `tombolo-agent --host` as processes of their own, and the near end of tunnels in
// this one.
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "control/client/control_client.h"
#include "control/tunnel/tunnel_thread.h"
#include "gtest/gtest.h"
#include "tests/control/tunnel/socket_peer.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/base/unix_socket.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/membership_view.h"

namespace tombolo::control {
namespace {

constexpr char kTombolod[] = "control/daemon/tombolod";
constexpr char kAgent[] = "control/agent/tombolo-agent";
constexpr int64_t kDeadlineNs = 20 * kNsPerSecond;
constexpr int kPauseMs = 1;  // Between two looks at what another process does.

bool Eventually(const std::function<bool()>& condition) {
  const int64_t end_ns = MonotonicNs() + kDeadlineNs;
  while (!condition()) {
    if (MonotonicNs() > end_ns) return false;
    poll(nullptr, 0, kPauseMs);
  }
  return true;
}

pid_t Spawn(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t pid = fork();
  if (pid != 0) return pid;
  execv(arguments[0], arguments.data());
  _exit(127);
}

int ExitCode(pid_t pid) {
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class HostAgentTest : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/host_agent.XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
    StartDaemon();
    agent_ = Spawn({kAgent, "--host", "--runtime-dir", folder_, "--allow",
                    "echo=unix:" + folder_ + "/echo.sock", "--log-level", "warn"});
    server_ = std::make_unique<TestServer>("unix:" + folder_ + "/echo.sock", ServeEcho);
    TunnelOptions options;
    options.broker_socket = Broker();
    options.name = "near";
    options.forwards.push_back(ParseForwardRule(Near("echo") + "=echo").value());
    options.forwards.push_back(ParseForwardRule(Near("control") + "=control").value());
    tunnels_ =
        TunnelThread::Start(options, [](const absl::Status& why) { ADD_FAILURE() << why; }).value();
    watcher_ = Endpoint::Attach(Broker(), "watcher").value();
    ASSERT_TRUE(Eventually([this] { return Echoes(); }));
  }

  void TearDown() override {
    tunnels_.reset();
    server_.reset();
    kill(agent_, SIGTERM);
    EXPECT_EQ(ExitCode(agent_), 0);
    kill(daemon_, SIGTERM);
    EXPECT_EQ(ExitCode(daemon_), 0);
    std::filesystem::remove_all(folder_);
  }

  void StartDaemon() {
    daemon_ = Spawn({kTombolod, "--runtime-dir", folder_, "--size", "16M", "--endpoints", "64",
                     "--slots", "2", "--vectors", "4", "--log-level", "warn"});
    ASSERT_TRUE(Eventually([this] { return ConnectUnix(Broker(), SOCK_SEQPACKET).ok(); }));
  }

  std::string Broker() const { return folder_ + "/broker.sock"; }
  std::string Near(const std::string& name) const {
    return "unix:" + folder_ + "/near-" + name + ".sock";
  }

  // A connection of its own goes all the way and back.
  bool Echoes() const {
    const UniqueFd client = ConnectBlocking(Near("echo"));
    return client.IsOpen() && SendAll(client.Get(), "hello") &&
           ReceiveExactly(client.Get(), 5) == "hello";
  }

  // The process whose endpoint the agent of the host is.
  pid_t AgentProcess() const {
    const auto agent = FindEndpoint(watcher_->SharedRegion(), kHostAgentSlot, kAgentName);
    return agent ? static_cast<pid_t>(agent->pid) : -1;
  }

  std::string folder_;
  pid_t daemon_ = -1;
  pid_t agent_ = -1;
  std::unique_ptr<TestServer> server_;
  std::unique_ptr<TunnelThread> tunnels_;
  std::unique_ptr<Endpoint> watcher_;
};

TEST_F(HostAgentTest, CarriesConnectionsAndCallsToTheDaemon) {
  EXPECT_TRUE(Echoes());
  ControlClient client(Near("control").substr(5));
  const auto peers = client.ListPeers();
  ASSERT_TRUE(peers.ok()) << peers.status();
}

TEST_F(HostAgentTest, AKilledAgentComesBackAndIsFoundAgain) {
  for (int round = 0; round < 3; ++round) {
    const pid_t process = AgentProcess();
    ASSERT_GT(process, 0);
    const UniqueFd client = ConnectBlocking(Near("echo"));
    ASSERT_TRUE(SendAll(client.Get(), "hello"));
    EXPECT_EQ(ReceiveExactly(client.Get(), 5), "hello");
    kill(process, SIGKILL);
    EXPECT_EQ(ReceiveUntilEnd(client.Get()), "") << "its connections end";
    EXPECT_TRUE(Eventually([this] { return Echoes(); }));
    EXPECT_NE(AgentProcess(), process);
  }
}

TEST_F(HostAgentTest, AfterTheDaemonCameBackBothEndsAttachAgain) {
  kill(daemon_, SIGTERM);
  EXPECT_EQ(ExitCode(daemon_), 0);
  StartDaemon();
  EXPECT_TRUE(Eventually([this] { return Echoes(); }));
}

}  // namespace
}  // namespace tombolo::control
