#include "bench/transport/crowd.h"

#include <string.h>

#include <span>
#include <utility>

#include "bench/transport/require.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/region/geometry.h"
#include "transport/region/region.h"

namespace tombolo::bench {
namespace {

// More than a channel polls in vain before it parks a link.
constexpr int kPollsUntilParked = 10'000;

class NoHandler final : public ChannelHandler {
 public:
  void OnMessage(EndpointId, uint8_t, std::span<const std::byte>) override {}
  void OnDeparted(EndpointId) override { Fail("a member has departed"); }
};

}  // namespace

PollCost::PollCost(uint32_t idle_links)
    : Measurement("link/poll/" + std::to_string(idle_links), "ns"), idle_links_(idle_links) {}

void PollCost::Prepare(Side side) {
  if (side == Side::kFollow) return;
  // Here and not in the constructor, because a mapped region is not inherited.
  members_ = std::make_unique<SimulatedMembers>(
      RegionLimits{.region_bytes = 64 * kMiB, .endpoint_count = 1024}, CacheSizes{});
  receiver_ = Join("receiver");
  for (uint32_t i = 0; i < idle_links_; ++i) {
    senders_.push_back(Join("sender"));
    SendOnce(senders_.back());
  }
  ParkAll();
}

PollCost::Member PollCost::Join(const std::string& name) {
  Member member{.endpoint = members_->Join(name), .channel = nullptr};
  member.channel = Require(Channel::Create(*member.endpoint));
  return member;
}

void PollCost::SendOnce(Member& sender) {
  const EndpointId receiver = receiver_.endpoint->Id();
  Require(sender.channel->Open(receiver));
  Claim claim;
  if (!sender.channel->TryClaim(receiver, sizeof(uint64_t), claim)) Fail("a new link has no room");
  memset(claim.payload.data(), 1, claim.payload.size());
  sender.channel->Publish(claim, 1, claim.payload.size());
}

void PollCost::ParkAll() {
  NoHandler handler;
  size_t received = 0;
  for (int i = 0; i < kPollsUntilParked; ++i) received += receiver_.channel->Poll(handler);
  if (received != idle_links_) Fail("not all links were found");
}

double PollCost::Lead() {
  NoHandler handler;
  const int64_t start_ns = MonotonicNs();
  for (uint64_t i = 0; i < kPolls; ++i) receiver_.channel->Poll(handler);
  return static_cast<double>(MonotonicNs() - start_ns) / static_cast<double>(kPolls);
}

}  // namespace tombolo::bench
