#include "control/ping/pinger.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/status/status.h"
#include "control/ping/answer_ping.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {
namespace {

constexpr int64_t kLongNs = 10 * kNsPerSecond;
constexpr int64_t kShortNs = 20 * kNsPerMs;

// An endpoint in a thread of its own that answers pings until it is destroyed.
class Answerer : private ChannelHandler {
 public:
  explicit Answerer(SimulatedMembers& members)
      : endpoint_(members.Join("agent")),
        channel_(Channel::Create(*endpoint_).value()),
        thread_([this] { Run(); }) {}

  ~Answerer() override {
    stop_ = true;
    thread_.join();
  }

  EndpointId Id() const { return endpoint_->Id(); }

 private:
  void Run() {
    while (!stop_) {
      if (channel_->Poll(*this) == 0) channel_->Sleep(kNsPerMs);
    }
  }

  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override {
    EXPECT_TRUE(AnswerPing(*channel_, source, tag, payload));
  }
  void OnDeparted(EndpointId) override {}

  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<Channel> channel_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

class PingerTest : public ::testing::Test {
 protected:
  SimulatedMembers members_;
  std::unique_ptr<Endpoint> self_ = members_.Join("tombolo-ping");
  std::unique_ptr<Channel> channel_ = Channel::Create(*self_).value();
};

TEST_F(PingerTest, EveryPingIsAnswered) {
  Answerer answerer(members_);
  Pinger pinger(*channel_, answerer.Id());
  for (int i = 0; i < 200; ++i) {
    const absl::StatusOr<int64_t> round_trip_ns = pinger.Ping(kLongNs);
    ASSERT_TRUE(round_trip_ns.ok()) << round_trip_ns.status();
    EXPECT_GT(*round_trip_ns, 0);
  }
}

TEST_F(PingerTest, PeerThatNeverLooksRunsIntoTheDeadline) {
  const std::unique_ptr<Endpoint> silent = members_.Join("agent");
  Pinger pinger(*channel_, silent->Id());
  EXPECT_TRUE(absl::IsDeadlineExceeded(pinger.Ping(kShortNs).status()));
  EXPECT_TRUE(absl::IsDeadlineExceeded(pinger.Ping(kShortNs).status()));
}

TEST_F(PingerTest, DeadPeerIsUnavailable) {
  const EndpointId dead = members_.Join("agent")->Id();
  Pinger pinger(*channel_, dead);
  ASSERT_TRUE(absl::IsDeadlineExceeded(pinger.Ping(kShortNs).status()));
  members_.Kill(dead);
  EXPECT_TRUE(absl::IsUnavailable(pinger.Ping(kLongNs).status()));
  Pinger late(*channel_, dead);
  EXPECT_TRUE(absl::IsUnavailable(late.Ping(kLongNs).status()));
}

TEST_F(PingerTest, OnlyPingsAreAnswered) {
  EXPECT_FALSE(AnswerPing(*channel_, self_->Id(), 77, {}));
}

}  // namespace
}  // namespace tombolo::control
