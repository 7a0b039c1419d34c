// Sleepers that no timer wakes: a doorbell that does not come is seen. Channel::Sleep() looks again
// by itself after a while, which hides one that was lost.
#include <poll.h>
#include <string.h>

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/layout/link.h"

namespace tombolo {
namespace {

constexpr int kDoorbellMs = 10'000;

// Counts what comes, and sleeps without a timer when nothing does.
class Sleeper final : public ChannelHandler {
 public:
  Sleeper(SimulatedMembers& members, std::string_view name)
      : endpoint_(members.Join(name)), channel_(*Channel::Create(*endpoint_)) {}

  EndpointId Id() const { return endpoint_->Id(); }
  bool Open(const Sleeper& peer) { return channel_->Open(peer.Id()).ok(); }
  void Poll() { channel_->Poll(*this); }

  bool TrySend(const Sleeper& to, size_t bytes) {
    Claim claim;
    if (!channel_->TryClaim(to.Id(), bytes, claim)) return false;
    memset(claim.payload.data(), 'x', bytes);
    channel_->Publish(claim, 1, bytes);
    return true;
  }

  // Sleeps once, if there is nothing to do, and then looks. False: asleep, and no doorbell rang.
  bool SleepAndPoll() {
    bool rang = true;
    if (channel_->PrepareToSleep()) {
      pollfd wait{.fd = channel_->Readable(), .events = POLLIN, .revents = 0};
      rang = poll(&wait, 1, kDoorbellMs) == 1;
      channel_->WakeUp();
      ++sleeps_;
    }
    Poll();
    return rang;
  }

  bool SleepUntil(uint64_t messages) {
    while (received_ < messages) {
      if (!SleepAndPoll()) return false;
    }
    return true;
  }

  uint64_t Received() const { return received_; }
  uint64_t Sleeps() const { return sleeps_; }
  uint64_t Departures() const { return departures_; }

  void OnMessage(EndpointId, uint8_t, std::span<const std::byte>) override { ++received_; }
  void OnDeparted(EndpointId) override { ++departures_; }

 private:
  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<Channel> channel_;
  uint64_t received_ = 0;
  uint64_t sleeps_ = 0;
  uint64_t departures_ = 0;
};

TEST(DoorbellTest, EveryMessageToASleeperRings) {
  constexpr uint64_t kRounds = 5000;
  SimulatedMembers members;
  Sleeper a(members, "a"), b(members, "b");
  ASSERT_TRUE(a.Open(b) && b.Open(a));
  std::jthread echo([&] {
    for (uint64_t round = 1; round <= kRounds; ++round) {
      ASSERT_TRUE(b.SleepUntil(round)) << "round " << round;
      ASSERT_TRUE(b.TrySend(a, round % 300));
    }
  });
  for (uint64_t round = 1; round <= kRounds && !testing::Test::HasFailure(); ++round) {
    EXPECT_TRUE(a.TrySend(b, round % 300));
    EXPECT_TRUE(a.SleepUntil(round)) << "round " << round;
  }
  echo.join();
  EXPECT_GT(a.Sleeps() + b.Sleeps(), kRounds / 10) << "hardly anybody slept";
}

// Endpoints that outnumber the vectors share them, and none takes a ring from another.
TEST(DoorbellTest, ASharedVectorWakesTheRightOne) {
  constexpr uint64_t kRounds = 1000;
  SimulatedMembers members;
  Sleeper a(members, "a"), b(members, "b");
  // As many as there are vectors for endpoints, so that the next ones share those of a and b.
  std::vector<std::unique_ptr<Sleeper>> others;
  while (others.size() < 12) others.push_back(std::make_unique<Sleeper>(members, "other"));
  Sleeper c(members, "c");
  ASSERT_TRUE(a.Open(b) && a.Open(c) && b.Open(a) && c.Open(a));
  const auto echo = [&](Sleeper& self) {
    for (uint64_t round = 1; round <= kRounds; ++round) {
      ASSERT_TRUE(self.SleepUntil(round)) << "round " << round;
      ASSERT_TRUE(self.TrySend(a, 8));
    }
  };
  std::jthread with_b(echo, std::ref(b)), with_c(echo, std::ref(c));
  for (uint64_t round = 1; round <= kRounds && !testing::Test::HasFailure(); ++round) {
    EXPECT_TRUE(a.TrySend(b, 8) && a.TrySend(c, 8));
    EXPECT_TRUE(a.SleepUntil(2 * round)) << "round " << round;
  }
  with_b.join();
  with_c.join();
}

TEST(DoorbellTest, CreditsThatASleeperWaitsForRing) {
  constexpr uint64_t kMessages = 20'000;
  SimulatedMembers members;
  Sleeper a(members, "a"), b(members, "b");
  ASSERT_TRUE(a.Open(b));
  std::jthread receiver([&] { ASSERT_TRUE(b.SleepUntil(kMessages)); });
  for (uint64_t i = 0; i < kMessages && !testing::Test::HasFailure(); ++i) {
    while (!a.TrySend(b, i % 400)) ASSERT_TRUE(a.SleepAndPoll()) << "message " << i;
  }
  receiver.join();
  EXPECT_GT(a.Sleeps(), 0u);
}

}  // namespace
}  // namespace tombolo
