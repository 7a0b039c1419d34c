// `tombolo ping` against a real tombolod, with a thread of this test as the agent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/wait.h>

#include <memory>
#include <string>
#include <thread>

#include "control/channel_loop/channel_loop.h"
#include "control/event_loop/event_loop.h"
#include "tests/support/daemon_process.h"
#include "transport/endpoint/endpoint.h"

namespace tombolo::control {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class PingTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(daemon_.Stop(), 0); }

  // Runs `tombolo ping ARGUMENTS`; both its streams go into `output`. Gives the exit code.
  int Ping(const std::string& arguments, std::string& output) const {
    const std::string command = "timeout 20 control/cli/tombolo --runtime-dir " +
                                daemon_.RuntimeDir() + " ping " + arguments + " 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    char line[1024];
    while (fgets(line, sizeof(line), pipe) != nullptr) output += line;
    return WEXITSTATUS(pclose(pipe));
  }

  DaemonProcess daemon_;
};

TEST_F(PingTest, AgentAnswersEveryPing) {
  const auto endpoint = Endpoint::Attach(daemon_.Broker(), "agent");
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
  const auto silent = Endpoint::Attach(daemon_.Broker(), "agent");
  ASSERT_TRUE(silent.ok()) << silent.status();
  std::string output;
  EXPECT_EQ(Ping("0 --count 1 --timeout 0.05", output), 1);
  EXPECT_THAT(output, HasSubstr("the agent of slot 0 never answered"));
}

}  // namespace
}  // namespace tombolo::control
