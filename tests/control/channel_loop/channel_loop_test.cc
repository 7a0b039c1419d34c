#include "control/channel_loop/channel_loop.h"

#include <memory>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/channel/ping.h"
#include "transport/layout/counters.h"

namespace tombolo::control {
namespace {

// An agent in a thread of its own.
class LoopThread {
 public:
  explicit LoopThread(SimulatedMembers& members)
      : endpoint_(members.Join("agent")),
        channel_loop_(*ChannelLoop::Create(*loop_, *endpoint_, nullptr)),
        thread_([this] { channel_loop_->Run(); }) {}
  ~LoopThread() {
    channel_loop_->Stop();
    thread_.join();
  }
  EndpointId Id() const { return endpoint_->Id(); }

 private:
  std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<ChannelLoop> channel_loop_;
  std::thread thread_;
};

TEST(ChannelLoopTest, AnswersPingsOfEverySizeThatGoesInline) {
  SimulatedMembers members;
  LoopThread agent(members);
  for (size_t bytes : {8, 56, 57, 1000, 1912}) {
    std::unique_ptr<Endpoint> endpoint = members.Join("ping");
    const auto result = Ping(*endpoint, {.count = 200, .payload_bytes = bytes});
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->round_trips_ns.size(), 200u);
    EXPECT_LE(result->MinNs(), result->MedianNs());
    EXPECT_LE(result->MedianNs(), result->MaxNs());
    members.Kill(endpoint->Id());
  }
}

TEST(ChannelLoopTest, APingToASlotWithoutAgentSaysSo) {
  SimulatedMembers members;
  std::unique_ptr<Endpoint> endpoint = members.Join("ping");
  EXPECT_EQ(Ping(*endpoint, {.slot = 1}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Ping(*endpoint, {.payload_bytes = 4}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(ChannelLoopTest, AnAgentThatDoesNotAnswerIsADeadlineExceeded) {
  SimulatedMembers members;
  std::unique_ptr<Endpoint> silent = members.Join("agent");
  std::unique_ptr<Endpoint> endpoint = members.Join("ping");
  EXPECT_EQ(Ping(*endpoint, {.count = 2, .timeout_ns = 20 * kNsPerMs}).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST(ChannelLoopTest, AnIdleLoopSleepsLongerAndLonger) {
  SimulatedMembers members;
  std::unique_ptr<Endpoint> endpoint = members.Join("agent");
  std::unique_ptr<EventLoop> loop = *EventLoop::Create();
  std::unique_ptr<ChannelLoop> channel_loop = *ChannelLoop::Create(*loop, *endpoint, nullptr);
  const SharedU64& sleeps = members.SharedRegion().Counters(endpoint->Id().index).sleeps;
  // 1 + 2 + 4 + ... + 256 ms: the tenth sleep begins after half a second.
  const Watch stop = loop->After(510 * kNsPerMs, [&] { channel_loop->Stop(); });
  channel_loop->Run();
  EXPECT_LE(sleeps.load(), 12u);
}

TEST(ChannelLoopTest, StopBeforeRunIsNotLost) {
  SimulatedMembers members;
  std::unique_ptr<Endpoint> endpoint = members.Join("agent");
  std::unique_ptr<EventLoop> loop = *EventLoop::Create();
  std::unique_ptr<ChannelLoop> channel_loop = *ChannelLoop::Create(*loop, *endpoint, nullptr);
  channel_loop->Stop();
  channel_loop->Run();
}

}  // namespace
}  // namespace tombolo::control
