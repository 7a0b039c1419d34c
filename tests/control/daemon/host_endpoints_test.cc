// tombolod as a process of its own, and processes of this host that attach, talk and are killed.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "tests/support/daemon_process.h"
#include "tests/support/spin.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/membership_view.h"

namespace tombolo::control {
namespace {

// Answers every message with itself, for ever.
class Echo final : public ChannelHandler {
 public:
  explicit Echo(Channel& channel) : channel_(channel) {}
  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override {
    Claim claim;
    if (!channel_.Open(source).ok() || !channel_.TryClaim(source, payload.size(), claim)) _exit(3);
    std::copy(payload.begin(), payload.end(), claim.payload.begin());
    channel_.Publish(claim, tag, payload.size());
  }
  void OnDeparted(EndpointId) override {}

 private:
  Channel& channel_;
};

class Recorder final : public ChannelHandler {
 public:
  void OnMessage(EndpointId, uint8_t tag, std::span<const std::byte>) override { last_tag = tag; }
  void OnDeparted(EndpointId peer) override { departed = peer; }
  int last_tag = -1;
  EndpointId departed;
};

class HostEndpointsTest : public testing::Test {
 protected:
  void TearDown() override {
    if (echo_ > 0) KillEcho();
    EXPECT_EQ(daemon_.Stop(), 0);
    EXPECT_FALSE(std::filesystem::exists(Socket()));
  }

  std::string Socket() const { return daemon_.Broker(); }

  void StartEcho() {
    echo_ = fork();
    if (echo_ != 0) return;
    const auto endpoint = Endpoint::Attach(Socket(), "echo");
    if (!endpoint.ok()) _exit(1);
    const auto channel = Channel::Create(**endpoint);
    if (!channel.ok()) _exit(2);
    Echo echo(**channel);
    while (true) {
      (*channel)->Sleep(kNsPerSecond);
      (*channel)->Poll(echo);
    }
  }
  void KillEcho() {
    kill(echo_, SIGKILL);
    waitpid(std::exchange(echo_, -1), nullptr, 0);
  }

  DaemonProcess daemon_;
  pid_t echo_ = -1;
};

TEST_F(HostEndpointsTest, TalkAndDie) {
  const auto endpoint = Endpoint::Attach(Socket(), "self");
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  const Region& region = (*endpoint)->SharedRegion();
  const auto channel = Channel::Create(**endpoint);
  ASSERT_TRUE(channel.ok()) << channel.status();
  uint32_t last_incarnation = 0;
  for (uint8_t round = 0; round < 5; ++round) {
    StartEcho();
    std::optional<EndpointInfo> echo;
    ASSERT_TRUE(SpinUntil([&] {
      echo = FindEndpoint(region, 0, "echo");
      return echo.has_value();
    }));
    EXPECT_GT(echo->id.incarnation, last_incarnation);
    EXPECT_EQ(echo->pid, static_cast<uint32_t>(echo_));
    ASSERT_TRUE((*channel)->Open(echo->id).ok());
    Claim claim;
    ASSERT_TRUE((*channel)->TryClaim(echo->id, 8, claim));
    (*channel)->Publish(claim, round, 8);
    Recorder recorder;
    ASSERT_TRUE(SpinUntil([&] {
      (*channel)->Poll(recorder);
      return recorder.last_tag == round;
    }));
    KillEcho();
    ASSERT_TRUE(SpinUntil([&] {
      (*channel)->Poll(recorder);
      return recorder.departed == echo->id;
    }));
    // Once that is acknowledged, its record and its memory are free again.
    ASSERT_TRUE(SpinUntil([&] { return !ReadEndpoint(region, echo->id.index).has_value(); }));
    last_incarnation = echo->id.incarnation;
  }
  EXPECT_TRUE((*endpoint)->Detach().ok());
}

}  // namespace
}  // namespace tombolo::control
