#include "control/channel_loop/channel_loop.h"

#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "control/ping/pinger.h"
#include "gtest/gtest.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/channel/channel.h"
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

TEST(ChannelLoopTest, AnswersPings) {
  SimulatedMembers members;
  LoopThread agent(members);
  std::unique_ptr<Endpoint> endpoint = members.Join("ping");
  std::unique_ptr<Channel> channel = *Channel::Create(*endpoint);
  Pinger pinger(*channel, agent.Id());
  for (int i = 0; i < 200; ++i) {
    const absl::StatusOr<int64_t> round_trip_ns = pinger.Ping(kNsPerSecond);
    ASSERT_TRUE(round_trip_ns.ok()) << round_trip_ns.status();
  }
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
  EXPECT_LE(sleeps.load(std::memory_order_relaxed), 12u);
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
