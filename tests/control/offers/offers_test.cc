// Agents that tell what they offer, and peers that lie, are silent or die.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "control/offers/ask_offers.h"
#include "control/offers/offer_answers.h"
#include "control/offers/offer_messages.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/channel/tags.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr int64_t kLongNs = 10 * kNsPerSecond;
constexpr int64_t kShortNs = 50 * kNsPerMs;

// An endpoint in a thread of its own that gives each question to `answer`.
class Agent : private ChannelHandler {
 public:
  using Answer = std::function<void(Channel&, EndpointId, uint8_t, std::span<const std::byte>)>;

  Agent(SimulatedMembers& members, Answer answer)
      : endpoint_(members.Join("agent")),
        channel_(Channel::Create(*endpoint_).value()),
        answer_(std::move(answer)),
        thread_([this] { Run(); }) {}

  Agent(SimulatedMembers& members, std::vector<std::string> offers)
      : Agent(members, [offers](Channel& channel, EndpointId source, uint8_t tag,
                                std::span<const std::byte> payload) {
          OfferAnswers(channel, offers).OnMessage(source, tag, payload);
        }) {}

  ~Agent() override {
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
    answer_(*channel_, source, tag, payload);
  }
  void OnDeparted(EndpointId) override {}

  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<Channel> channel_;
  Answer answer_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// Answers every question by these bytes.
Agent::Answer Always(OfferHeader header, size_t text_bytes) {
  return [=](Channel& channel, EndpointId source, uint8_t, std::span<const std::byte>) {
    Claim claim;
    const size_t bytes = sizeof(header) + text_bytes;
    if (!channel.Open(source).ok() || !channel.TryClaim(source, bytes, claim)) return;
    memcpy(claim.payload.data(), &header, sizeof(header));
    memset(claim.payload.data() + sizeof(header), 'x', text_bytes);
    channel.Publish(claim, ToTag(AgentTag::kOfferTold), bytes);
  };
}

class OffersTest : public ::testing::Test {
 protected:
  std::vector<AgentOffers> Ask(std::vector<EndpointId> agents, int64_t timeout_ns = kLongNs) {
    return AskOffers(*channel_, agents, timeout_ns);
  }

  SimulatedMembers members_;
  std::unique_ptr<Endpoint> self_ = members_.Join("tombolo-offers");
  std::unique_ptr<Channel> channel_ = Channel::Create(*self_).value();
};

TEST_F(OffersTest, EachAgentTellsItsOwnInOrder) {
  Agent two(members_, {"tunnel memcached", "files /srv/share:rw"});
  Agent none(members_, std::vector<std::string>{});
  const auto told = Ask({two.Id(), none.Id()});
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_TRUE(told[0].agent == two.Id() && told[0].complete && told[1].complete);
  EXPECT_THAT(told[0].offers, ElementsAre("tunnel memcached", "files /srv/share:rw"));
  EXPECT_THAT(told[1].offers, SizeIs(0));
}

TEST_F(OffersTest, TooManyAndTooLongOnesAreCut) {
  Agent many(members_, std::vector<std::string>(kMaxOffers + 1, std::string(5000, 'f')));
  const auto told = Ask({many.Id()});
  EXPECT_TRUE(told[0].complete);
  ASSERT_THAT(told[0].offers, SizeIs(kMaxOffers));
  EXPECT_THAT(told[0].offers.back(), SizeIs(kMaxOfferBytes));
}

TEST_F(OffersTest, SilentOneIsWaitedForNoLonger) {
  const std::unique_ptr<Endpoint> silent = members_.Join("agent");
  Agent good(members_, {"tunnel db"});
  const auto told = Ask({silent->Id(), good.Id()}, kShortNs);
  EXPECT_FALSE(told[0].complete);
  EXPECT_THAT(told[1].offers, ElementsAre("tunnel db"));
}

TEST_F(OffersTest, DeadOneIsNotWaitedFor) {
  const EndpointId dead = members_.Join("agent")->Id();
  members_.Kill(dead);
  constexpr int64_t kLongerThanATest = 3600 * kNsPerSecond;
  EXPECT_FALSE(Ask({dead}, kLongerThanATest)[0].complete);
}

TEST_F(OffersTest, LiesAreBounded) {
  Agent endless(members_, [index = uint32_t{0}](Channel& channel, EndpointId source, uint8_t tag,
                                                std::span<const std::byte> payload) mutable {
    Always({index++, UINT32_MAX}, 8)(channel, source, tag, payload);
  });
  const auto told = Ask({endless.Id()});
  EXPECT_TRUE(told[0].complete);
  EXPECT_THAT(told[0].offers, SizeIs(kMaxOffers));
}

TEST_F(OffersTest, NonsenseIsNoAnswer) {
  Agent other_index(members_, Always({7, 9}, 8));
  Agent too_long(members_, Always({0, 1}, kMaxOfferBytes + 1));
  const auto told = Ask({other_index.Id(), too_long.Id()}, kShortNs);
  for (const AgentOffers& agent : told) {
    EXPECT_FALSE(agent.complete);
    EXPECT_THAT(agent.offers, SizeIs(0));
  }
}

}  // namespace
}  // namespace tombolo::control
