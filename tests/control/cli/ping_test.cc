// `tombolo ping` against a real tombolod, with a thread of this test as the agent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>

#include "control/channel_loop/channel_loop.h"
#include "control/client/control_client.h"
#include "control/event_loop/event_loop.h"
#include "tests/support/spin.h"
#include "tests/support/temp_dir.h"
#include "transport/endpoint/endpoint.h"

namespace tombolo::control {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kDaemon[] = "control/daemon/tombolod";

class PingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string folder = folder_.File("run");
    const char* const arguments[] = {kDaemon,  "--runtime-dir", folder.c_str(),
                                     "--size", "16M",           nullptr};
    ASSERT_EQ(
        posix_spawn(&daemon_, kDaemon, nullptr, nullptr, const_cast<char**>(arguments), environ),
        0);
    ControlClient client(folder + "/control.sock");
    ASSERT_TRUE(SpinUntil([&] { return client.ListPeers().ok(); }));
  }

  void TearDown() override {
    if (daemon_ <= 0) return;
    kill(daemon_, SIGTERM);
    int status;
    waitpid(daemon_, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }

  // Runs `tombolo ping ARGUMENTS`; both its streams go into `output`. Gives the exit code.
  int Ping(const std::string& arguments, std::string& output) const {
    const std::string command = "timeout 20 control/cli/tombolo --runtime-dir " +
                                folder_.File("run") + " ping " + arguments + " 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    char line[1024];
    while (fgets(line, sizeof(line), pipe) != nullptr) output += line;
    return WEXITSTATUS(pclose(pipe));
  }

  TempDir folder_;
  pid_t daemon_ = 0;
};

TEST_F(PingTest, AgentAnswersEveryPing) {
  const auto endpoint = Endpoint::Attach(folder_.File("run/broker.sock"), "agent");
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  const auto events = EventLoop::Create();
  ASSERT_TRUE(events.ok()) << events.status();
  const auto loop = ChannelLoop::Create(**events, **endpoint, nullptr);
  ASSERT_TRUE(loop.ok()) << loop.status();
  std::thread agent([&] { (*loop)->Run(); });
  std::string output;
  EXPECT_EQ(Ping("0 --count 50 --interval 0", output), 0);
  EXPECT_THAT(output, AllOf(HasSubstr("ping slot 0: agent"),
                            HasSubstr("50 asked, 50 answered; round trip min")));
  (*loop)->Stop();
  agent.join();
}

TEST_F(PingTest, SlotWithoutAnAgentSaysWhatToStart) {
  std::string output;
  EXPECT_EQ(Ping("1", output), 1);
  EXPECT_THAT(output, HasSubstr("start tombolo-agent"));
}

TEST_F(PingTest, SlotThatIsNotThereIsWrongUsage) {
  std::string output;
  EXPECT_EQ(Ping("99", output), 2);
  EXPECT_THAT(output, HasSubstr("this region's are 0 (the host) to "));
}

TEST_F(PingTest, StoppedAgentIsNoMissingDaemon) {
  const auto silent = Endpoint::Attach(folder_.File("run/broker.sock"), "agent");
  ASSERT_TRUE(silent.ok()) << silent.status();
  std::string output;
  EXPECT_EQ(Ping("0 --count 1 --timeout 0.05", output), 1);
  EXPECT_THAT(output, HasSubstr("the agent of slot 0 never answered"));
}

}  // namespace
}  // namespace tombolo::control
